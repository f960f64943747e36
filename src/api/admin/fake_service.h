// For tests: a GenerationService that plays a script.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "manager/service.h"

namespace pensieve::api {

inline ModelStatus fake_model(std::string id) {
  ModelStatus model;
  model.id = std::move(id);
  return model;
}

inline Delta text_delta(std::string text) {
  Delta delta;
  delta.text = std::move(text);
  return delta;
}

// What a scripted stream does: let `after` pass on the clock, then give `event`.
struct ScriptedEvent {
  std::chrono::milliseconds after{0};
  GenerationEvent event;
  std::string model = "tiny";  // that answers from now on
  std::string degraded = {};
};

class ScriptedStream final : public GenerationStream {
 public:
  ScriptedStream(std::vector<ScriptedEvent> script, ManualClock& clock) : script_(std::move(script)), clock_(clock) {}
  boost::asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds) override {
    const ScriptedEvent step = script_.at(at_++);
    clock_.advance(step.after);
    model_ = step.model;
    degraded_ = step.degraded;
    co_return step.event;
  }
  [[nodiscard]] const std::string& model() const override { return model_; }
  [[nodiscard]] std::string degraded() const override { return degraded_; }

 private:
  std::vector<ScriptedEvent> script_;
  ManualClock& clock_;
  std::size_t at_ = 0;
  std::string model_ = "tiny";
  std::string degraded_;
};

class ScriptedService final : public GenerationService {
 public:
  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override {
    requests.push_back(std::move(request));
    if (refusal.code != ErrorCode::kInternal) co_return std::unexpected(refusal);
    co_return std::make_unique<ScriptedStream>(script, clock);
  }
  boost::asio::awaitable<bool> settled(std::string, std::chrono::milliseconds) override { co_return true; }
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest) override { co_return 7; }
  // Each text's length and 1, of length 1.
  boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest request) override {
    if (refusal.code != ErrorCode::kInternal) co_return std::unexpected(refusal);
    Embeddings answer{.model = "tiny", .vectors = {}, .prompt_tokens = 0};
    for (const EmbeddingInput& input : request.inputs) {
      answer.vectors.push_back({static_cast<float>(input.text.size()), 1.0F});
      answer.prompt_tokens += static_cast<std::int64_t>(input.is_tokens ? input.tokens.size() : input.text.size());
    }
    embedded.push_back(std::move(request));
    co_return answer;
  }
  Result<void> keep(std::string_view name, std::optional<std::chrono::seconds> idle) override {
    kept.emplace_back(name, idle);
    return {};
  }
  boost::asio::awaitable<Result<void>> load(std::string name) override {
    if (load_failure.code != ErrorCode::kInternal) co_return std::unexpected(load_failure);
    co_return co_await change(name, ModelState::kReady);
  }
  boost::asio::awaitable<Result<void>> unload(std::string name) override { return change(name, ModelState::kUnloaded); }
  Result<void> pin(std::string_view name, bool pinned) override {
    for (ModelStatus& model : present.models) {
      if (model.id != name) continue;
      model.pinned = pinned;
      return {};
    }
    return std::unexpected(find(name).error());
  }
  [[nodiscard]] Result<ModelStatus> find(std::string_view name) const override {
    for (const ModelStatus& model : present.models) {
      if (model.id == name) return model;
    }
    return fail(ErrorCode::kNotFound, "no model '" + std::string(name) + "'", "", "model");
  }
  [[nodiscard]] ServiceStatus status() const override { return present; }

  std::vector<ScriptedEvent> script;
  Error refusal;       // of generate, unless kInternal
  Error load_failure;  // of load, unless kInternal
  ServiceStatus present;
  ManualClock clock;
  std::vector<std::pair<std::string, std::optional<std::chrono::seconds>>> kept;  // calls of keep
  std::vector<EmbeddingRequest> embedded;                                         // of embed
  std::vector<GenerationRequest> requests;                                        // of generate

 private:
  boost::asio::awaitable<Result<void>> change(std::string name, ModelState state) {
    for (ModelStatus& model : present.models) {
      if (model.id != name) continue;
      model.state = state;
      co_return Result<void>{};
    }
    co_return std::unexpected(find(name).error());
  }
};

}  // namespace pensieve::api
