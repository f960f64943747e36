// For tests: workers that the test plays, without processes.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "manager/signal.h"
#include "manager/worker_link.h"

namespace pensieve {

// Says what it was asked to do in its public members; the test answers with its methods.
class FakeWorker final : public WorkerLink {
 public:
  FakeWorker(const boost::asio::any_io_executor& executor, std::int64_t pid) : changed_(executor), identity_{pid, 1} {}

  void finish_load() {
    loaded_ = ipc::Loaded{.architecture = "fake", .sequence_context_tokens = 512, .load_us = 7000};
    changed_.notify();
  }
  void fail_load(Error error) {
    loaded_ = std::unexpected(std::move(error));
    changed_.notify();
  }
  void emit(ipc::StreamId stream, GenerationEvent event) {
    streams_.at(stream).push_back(std::move(event));
    changed_.notify();
  }
  void die(const std::string& reason) {
    if (!alive_) return;
    alive_ = false;
    lost_.message = "the model's process was lost: " + reason;
    reason_ = reason;
    for (auto& [id, events] : streams_) events.push_back(Failed{lost_});
    changed_.notify();
    if (const auto handler = std::exchange(on_end_, nullptr)) handler();
  }

  boost::asio::awaitable<Result<void>> ready() override {
    while (alive_ && !introduced) co_await changed_.wait();
    co_return alive_ ? Result<void>() : std::unexpected(lost_);
  }
  boost::asio::awaitable<Result<ipc::Loaded>> load(ipc::LoadModel settings, std::chrono::milliseconds) override {
    asked = std::move(settings);
    while (alive_ && !loaded_) co_await changed_.wait();
    co_return loaded_ ? *loaded_ : std::unexpected(lost_);
  }
  ipc::StreamId generate(GenerationRequest request) override {
    streams_[++last_];
    if (!alive_) streams_[last_].push_back(Failed{lost_});
    requests[last_] = std::move(request);
    return last_;
  }
  boost::asio::awaitable<std::optional<GenerationEvent>> next(ipc::StreamId stream, std::chrono::milliseconds patience) override {
    std::deque<GenerationEvent>& events = streams_.at(stream);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (events.empty()) {
      if (!co_await changed_.wait_until(deadline)) co_return std::nullopt;
    }
    GenerationEvent event = std::move(events.front());
    events.pop_front();
    co_return event;
  }
  void drop(ipc::StreamId stream) override {
    streams_.erase(stream);
    dropped.push_back(stream);
  }
  void throttle(const ipc::Throttle& throttle) override { throttled = throttle; }
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest request) override {
    co_return static_cast<std::int64_t>(request.prompt.size());
  }
  boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest request) override {
    co_return Embeddings{.model = {}, .vectors = {request.inputs.size(), {1.0F}}, .prompt_tokens = 1};
  }
  boost::asio::awaitable<void> gone() override {
    while (alive_ || !may_end) co_await changed_.wait();
  }
  boost::asio::awaitable<void> stop() override {
    stop_asked = true;
    while (alive_ && !may_end) co_await changed_.wait();
    die("stopped");
  }
  // Lets a stop() or gone() that waits for `may_end` go on.
  void let_end() {
    may_end = true;
    changed_.notify();
  }
  [[nodiscard]] bool loads() const { return asked && !loaded_; }
  [[nodiscard]] bool alive() const override { return alive_; }
  [[nodiscard]] const ProcessIdentity& process() const override { return identity_; }
  [[nodiscard]] const std::string& end_reason() const override { return reason_; }
  void on_end(std::function<void()> handler) override { on_end_ = std::move(handler); }

  std::optional<ipc::LoadModel> asked;
  std::map<ipc::StreamId, GenerationRequest> requests;
  std::vector<ipc::StreamId> dropped;
  ipc::Throttle throttled;
  bool introduced = true;
  bool stop_asked = false;
  bool may_end = true;

 private:
  Signal changed_;
  ProcessIdentity identity_;
  bool alive_ = true;
  std::string reason_;
  Error lost_{ErrorCode::kWorkerLost, "", "", ""};
  std::optional<Result<ipc::Loaded>> loaded_;
  std::map<ipc::StreamId, std::deque<GenerationEvent>> streams_;
  ipc::StreamId last_ = 0;
  std::function<void()> on_end_;
};

class FakeWorkers final : public WorkerFactory {
 public:
  explicit FakeWorkers(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  Result<std::shared_ptr<WorkerLink>> start() override {
    if (refusal.code != ErrorCode::kInternal) return std::unexpected(refusal);
    // A pid beyond any real one, so that nobody looks up or signals a process of the machine.
    started.push_back(std::make_shared<FakeWorker>(executor_, (std::int64_t{1} << 40) + std::ssize(started)));
    return started.back();
  }

  // The living worker that was asked to load `id`; null if there is none.
  [[nodiscard]] std::shared_ptr<FakeWorker> of(const std::string& id) const {
    for (const auto& worker : started) {
      if (worker->alive() && worker->asked && worker->asked->model_id == id) return worker;
    }
    return nullptr;
  }
  // The living worker whose load was not answered yet; null if there is none.
  [[nodiscard]] std::shared_ptr<FakeWorker> loading() const {
    for (const auto& worker : started) {
      if (worker->alive() && worker->loads()) return worker;
    }
    return nullptr;
  }
  [[nodiscard]] std::ptrdiff_t alive() const { return std::ranges::count_if(started, &FakeWorker::alive); }

  std::vector<std::shared_ptr<FakeWorker>> started;
  Error refusal;  // of start(), unless kInternal

 private:
  boost::asio::any_io_executor executor_;
};

}  // namespace pensieve
