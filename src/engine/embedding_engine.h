// The engine of a model that was made for embeddings and can't answer.
#pragma once

#include <memory>

#include "engine/embedding_thread.h"
#include "engine/engine.h"
#include "engine/llama_api.h"
#include "engine/llama_embeddings.h"

namespace pensieve::engine {

class EmbeddingEngine final : public Engine {
 public:
  // Error kUnsupported or kOutOfMemory if the model can't embed.
  static Result<std::unique_ptr<EmbeddingEngine>> start(ModelHandle model, const ipc::LoadModel& settings, SteadyTime load_began,
                                                        EventSink sink);

  [[nodiscard]] const ipc::Loaded& loaded() const override { return facts_; }
  // Fails the stream: kUnsupported.
  void submit(ipc::StreamId stream, GenerationRequest request) override;
  void cancel(ipc::StreamId) override {}
  void pause(ipc::StreamId, bool) override {}
  [[nodiscard]] Result<std::int64_t> count_tokens(const GenerationRequest& request) const override;
  void embed(EmbeddingRequest request, EmbeddingDone done) override { thread_->submit(std::move(request), std::move(done)); }
  [[nodiscard]] EngineProgress progress() const override { return {}; }

 private:
  EmbeddingEngine(ModelHandle model, EventSink sink) : model_(std::move(model)), sink_(std::move(sink)) {}

  ModelHandle model_;
  EventSink sink_;
  ipc::Loaded facts_;
  std::unique_ptr<EmbeddingThread> thread_;  // uses the model
};

}  // namespace pensieve::engine
