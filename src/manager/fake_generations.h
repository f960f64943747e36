// For tests: a GenerationService of several models, each with a script of events.
#pragma once

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "manager/service.h"

namespace pensieve {

// A delta of one token with its log probability, whose only alternative is itself.
inline Delta scored_delta(std::string text, double logprob) {
  TokenLogprob token{.token = 1, .bytes = text, .logprob = logprob};
  return {.text = std::move(text), .tokens = 1, .logprobs = {{.sampled = token, .top = {token}}}};
}

// Knows models by id; each generate() of one plays its script from the start.
class FakeGenerations final : public GenerationService {
 public:
  struct Step {
    GenerationEvent event;
    bool pause = false;                 // one next() without an event first
    std::chrono::milliseconds time{0};  // that passes until the event
  };
  using Script = std::vector<Step>;

  explicit FakeGenerations(ManualClock& clock) : clock_(clock) {}

  void add_model(ModelStatus status) { present.models.push_back(std::move(status)); }
  void play(const std::string& model, Script script) { scripts_[model] = std::move(script); }
  ModelStatus& at(std::string_view id) { return *std::ranges::find(present.models, id, &ModelStatus::id); }

  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override {
    requests.push_back(std::move(request));
    const std::string& model = requests.back().model;
    if (const auto refusal = refusals.find(model); refusal != refusals.end()) co_return std::unexpected(refusal->second);
    ++running;
    co_return std::make_unique<Stream>(*this, model, script_of(model));
  }
  boost::asio::awaitable<bool> settled(std::string model, std::chrono::milliseconds) override { co_return !unsettled.erase(model); }
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest) override { co_return 0; }
  boost::asio::awaitable<Result<void>> load(std::string) override { co_return Result<void>(); }
  boost::asio::awaitable<Result<void>> unload(std::string) override { co_return Result<void>(); }
  boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest) override { co_return Embeddings{}; }
  [[nodiscard]] Result<ModelStatus> find(std::string_view) const override { return present.models.front(); }
  [[nodiscard]] ServiceStatus status() const override { return present; }

  ServiceStatus present;
  std::map<std::string, Error, std::less<>> refusals;  // of generate()
  std::set<std::string> unsettled;                     // settled() is false once
  std::vector<GenerationRequest> requests;
  int running = 0;  // streams

 private:
  [[nodiscard]] Script script_of(const std::string& model) const {
    const auto script = scripts_.find(model);
    if (script != scripts_.end()) return script->second;
    Script empty(2);
    empty[0].event = Started{};
    empty[1].event = Finished{};
    return empty;
  }

  class Stream final : public GenerationStream {
   public:
    Stream(FakeGenerations& service, std::string model, Script script)
        : service_(service), model_(std::move(model)), script_(std::move(script)) {}
    ~Stream() override { --service_.running; }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    boost::asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds) override {
      Step& step = script_.at(at_);
      if (std::exchange(step.pause, false)) co_return std::nullopt;
      service_.clock_.advance(step.time);
      ++at_;
      co_return step.event;
    }
    [[nodiscard]] const std::string& model() const override { return model_; }

   private:
    FakeGenerations& service_;
    std::string model_;
    Script script_;
    std::size_t at_ = 0;
  };

  ManualClock& clock_;
  std::map<std::string, Script, std::less<>> scripts_;
};

// Runs a coroutine that needs nothing from outside to its end.
template <typename T>
T completed(boost::asio::awaitable<T> work) {
  boost::asio::io_context loop;
  std::optional<T> value;
  boost::asio::co_spawn(loop, std::move(work), [&](std::exception_ptr thrown, T result) {
    if (thrown) std::rethrow_exception(thrown);
    value.emplace(std::move(result));
  });
  loop.run();
  return std::move(*value);
}

}  // namespace pensieve
