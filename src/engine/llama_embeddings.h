// Embeddings by libllama, in a context of their own beside the one that generates.
//
// Models made for embeddings say how their tokens' vectors become one (`pooling_type`). Of those that see the
// whole input at once libllama does it, in one batch. Of others the last vector, or else the mean over all
// tokens, is taken here, batch by batch, so that neither batch nor logits need memory for the whole input.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "engine/embedding_model.h"
#include "engine/llama_api.h"

namespace pensieve::engine {

// True if the file says how its vectors are pooled, or that each token sees the whole text.
bool made_for_embeddings(const llama_model* model);

class LlamaEmbeddings final : public EmbeddingModel {
 public:
  // `model` outlives it. Threads: 0: all cores. Inputs of at most `most_tokens`, 0: what the model can read.
  LlamaEmbeddings(const llama_model* model, std::int32_t threads, std::uint32_t most_tokens = 0);

  Result<Embeddings> embed(const EmbeddingRequest& request, const TakeTurns& others) override;
  void abort() override { aborted_.store(true); }

  // Most tokens of one input.
  [[nodiscard]] std::size_t input_tokens() const { return input_tokens_; }

 private:
  Result<void> open_context();
  [[nodiscard]] Result<std::size_t> dimensions_of(const EmbeddingRequest& request) const;
  [[nodiscard]] Result<std::vector<llama_token>> tokens_of(const EmbeddingRequest& request, std::size_t index) const;
  Result<std::vector<float>> vector_of(const std::vector<llama_token>& tokens, const TakeTurns& others);
  Result<void> compute(const std::vector<llama_token>& tokens, std::size_t begin, std::size_t end);

  llama_model* model_;
  const llama_vocab* vocabulary_;
  std::int32_t threads_;
  enum llama_pooling_type pooling_ = LLAMA_POOLING_TYPE_UNSPECIFIED;  // the file's, or what it implies
  bool pools_here_ = true;
  std::size_t input_tokens_ = 0;
  std::size_t batch_tokens_ = 0;
  std::size_t width_ = 0;
  ContextHandle context_;
  std::atomic<bool> aborted_ = false;
};

}  // namespace pensieve::engine
