#include "engine/embedding_engine.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pensieve::engine {
namespace {

Error no_answers() {
  return {ErrorCode::kUnsupported, "this model makes embeddings and can't answer", "use a chat model, or /v1/embeddings", "model"};
}

std::string architecture(const llama_model* model) {
  std::array<char, 128> value{};
  const int length = llama_model_meta_val_str(model, "general.architecture", value.data(), value.size());
  return length < 0 ? std::string() : std::string(value.data());
}

}  // namespace

Result<std::unique_ptr<EmbeddingEngine>> EmbeddingEngine::start(ModelHandle model, const ipc::LoadModel& settings, SteadyTime load_began,
                                                                EventSink sink) {
  std::unique_ptr<EmbeddingEngine> engine(new EmbeddingEngine(std::move(model), std::move(sink)));
  const llama_model* raw = engine->model_.get();
  auto embeddings = std::make_unique<LlamaEmbeddings>(raw, settings.threads, settings.context_tokens);
  // The first computation makes the context and shows that the model can do it.
  EmbeddingRequest first;
  first.inputs = {{.tokens = {0}, .is_tokens = true}};
  const auto input_tokens = static_cast<std::uint32_t>(embeddings->input_tokens());
  TRY_VOID(embeddings->embed(first, {}));
  engine->thread_ = std::make_unique<EmbeddingThread>(std::move(embeddings));
  const auto taken = std::chrono::steady_clock::now() - load_began;
  engine->facts_ = {.architecture = architecture(raw),
                    .context_tokens = input_tokens,
                    .sequence_context_tokens = input_tokens,
                    .trained_context_tokens = static_cast<std::uint32_t>(std::max(0, llama_model_n_ctx_train(raw))),
                    .max_sequences = 1,
                    .vocabulary_size = static_cast<std::uint32_t>(llama_vocab_n_tokens(llama_model_get_vocab(raw))),
                    .weights_bytes = static_cast<std::int64_t>(llama_model_size(raw)),
                    .load_us = std::chrono::duration_cast<std::chrono::microseconds>(taken).count(),
                    .chat_template_source = "none"};
  return engine;
}

void EmbeddingEngine::submit(ipc::StreamId stream, GenerationRequest) { sink_(stream, Failed{no_answers()}); }

Result<std::int64_t> EmbeddingEngine::count_tokens(const GenerationRequest&) const { return std::unexpected(no_answers()); }

}  // namespace pensieve::engine
