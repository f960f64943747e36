// For tests: an engine that the test plays. All members may be used from any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "worker/worker.h"

namespace pensieve::worker {

// What the worker asked of its engine, in words, and the sink that the test feeds.
class EngineLog {
 public:
  void note(std::string what) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(what));
    changed_.notify_all();
  }
  // True once `what` was noted; false after 10 s without it.
  bool saw(const std::string& what) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return std::ranges::contains(notes_, what); });
  }
  [[nodiscard]] std::vector<std::string> notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

  engine::EventSink sink;  // set by the load, before it is answered

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> notes_;
};

class FakeEngine final : public engine::Engine {
 public:
  explicit FakeEngine(EngineLog& log) : log_(log) { loaded_.architecture = "fake"; }
  ~FakeEngine() override { log_.note("end"); }

  [[nodiscard]] const ipc::Loaded& loaded() const override { return loaded_; }
  void submit(ipc::StreamId stream, GenerationRequest request) override {
    if (request.prompt == "throw") throw std::runtime_error("no such token");
    log_.note("submit " + std::to_string(stream));
  }
  void cancel(ipc::StreamId stream) override { log_.note("cancel " + std::to_string(stream)); }
  void pause(ipc::StreamId stream, bool paused) override { log_.note((paused ? "pause " : "resume ") + std::to_string(stream)); }
  void throttle(const ipc::Throttle& throttle) override { log_.note("throttle " + std::to_string(throttle.threads)); }
  [[nodiscard]] Result<std::int64_t> count_tokens(const GenerationRequest& request) const override {
    if (request.prompt == "throw") throw std::bad_alloc();
    return static_cast<std::int64_t>(request.prompt.size());
  }
  void embed(EmbeddingRequest request, engine::EmbeddingDone done) override {
    log_.note("embed " + std::to_string(request.inputs.size()));
    if (request.inputs.empty()) return done(fail(ErrorCode::kInvalidArgument, "nothing to embed"));
    done(Embeddings{.model = {}, .vectors = {request.inputs.size(), {0.6F, 0.8F}}, .prompt_tokens = 5});
  }
  [[nodiscard]] engine::EngineProgress progress() const override { return {.steps = 3, .active_sequences = 1}; }

 private:
  EngineLog& log_;
  ipc::Loaded loaded_;
};

// Loads any path but "missing" (an error) and "throw".
inline EngineFunctions fake_functions(EngineLog& log) {
  return {.initialise = [&log] { log.note("initialise"); },
          .hello = [] { return ipc::Hello{.pid = 1, .engine = "fake"}; },
          .load = [&log](const ipc::LoadModel& settings, engine::EventSink sink) -> Result<std::unique_ptr<engine::Engine>> {
            if (settings.path == "throw") throw std::runtime_error("a defect");
            if (settings.path == "missing") return fail(ErrorCode::kNotFound, "no such file");
            log.sink = std::move(sink);
            return std::make_unique<FakeEngine>(log);
          }};
}

}  // namespace pensieve::worker
