// libllama behind BatchModel, with its vocabulary.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/batch_model.h"
#include "engine/llama_api.h"
#include "ipc/messages.h"

namespace pensieve::engine {

// A stretch of prompt text. Control tokens are recognised only where the template wrote them, never
// in what a client sent.
struct PromptPart {
  std::string text;
  bool control_tokens = true;
};

class LlamaModel final : public BatchModel {
 public:
  // Opens file and context. Errors as engine::load.
  static Result<std::unique_ptr<LlamaModel>> open(const ipc::LoadModel& settings);

  [[nodiscard]] std::int32_t context_tokens() const override;
  [[nodiscard]] std::int32_t batch_tokens() const override;
  [[nodiscard]] std::int32_t sequences() const override;
  [[nodiscard]] std::int32_t vocabulary_size() const override;
  DecodeStatus decode(std::span<const BatchToken> batch) override;
  [[nodiscard]] std::span<const float> logits(std::int32_t index) override;
  bool truncate(std::int32_t sequence, std::int32_t length) override;
  bool copy_prefix(std::int32_t from, std::int32_t to, std::int32_t length) override;
  [[nodiscard]] bool is_end_of_generation(Token token) const override;
  [[nodiscard]] std::string piece(Token token) const override;

  // Tokens of the parts in a row. `begin_of_text`: put the vocabulary's BOS first if the model wants
  // one and the text does not begin with it. Thread-safe.
  [[nodiscard]] std::vector<Token> tokenize(const std::vector<PromptPart>& parts,
                                            bool begin_of_text) const;

  // The token as text, control tokens included ("<|im_end|>"); empty for none.
  [[nodiscard]] std::string token_text(Token token) const;
  [[nodiscard]] std::string bos_text() const;
  [[nodiscard]] std::string eos_text() const;
  // Texts of all control tokens, for recognising them in what clients send.
  [[nodiscard]] std::vector<std::string> control_texts() const;
  [[nodiscard]] bool has_token(std::string_view text) const;
  // A value of the file's metadata as text; empty if absent.
  [[nodiscard]] std::string metadata(const char* key) const;

  // The file's own chat template; empty if it has none.
  [[nodiscard]] std::string file_template() const;

  [[nodiscard]] const ipc::Loaded& loaded() const { return loaded_; }

  ~LlamaModel() override;
  LlamaModel(const LlamaModel&) = delete;
  LlamaModel& operator=(const LlamaModel&) = delete;

 private:
  LlamaModel(ModelHandle model, ContextHandle context);

  ModelHandle model_;
  ContextHandle context_;
  const llama_vocab* vocabulary_;
  llama_batch batch_;
  bool partial_state_;  // recurrent, hybrid or sliding window: prefixes can't be shared by copy
  ipc::Loaded loaded_;
};

}  // namespace pensieve::engine
