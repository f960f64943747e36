// One worker process and the conversation with it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/process.h"
#include "ipc/channel.h"
#include "ipc/messages.h"
#include "manager/signal.h"
#include "manager/worker_link.h"
#include "manager/worker_process.h"

namespace pensieve {

// How to start a worker: `program` with `arguments`, then "--fd 3 --parent PID".
struct WorkerCommand {
  std::string program;
  std::vector<std::string> arguments;
  std::chrono::milliseconds ping_interval{1000};
  std::chrono::milliseconds hang_timeout{10'000};   // without an answer to a ping
  std::chrono::milliseconds step_timeout{120'000};  // of one step of the engine
  std::chrono::milliseconds start_timeout{60'000};  // until the first Hello
};

// The real worker: a process behind a socket. All on the supervisor's loop. A session ends when its
// process ends, hangs, breaks the protocol or is stopped; then every stream gets Failed (kWorkerLost)
// and the process is gone or being killed.
class WorkerSession final : public WorkerLink, public std::enable_shared_from_this<WorkerSession> {
 public:
  // Events of one request that arrived and were not taken yet.
  struct Stream {
    explicit Stream(const boost::asio::any_io_executor& executor) : arrived(executor) {}
    std::deque<GenerationEvent> events;
    Signal arrived;
    std::int32_t taken = 0;  // since credits were last returned
  };

  // Starts the process. Error kIo/kInternal if it can't be started. Must be called on the main
  // thread, whose end ends the worker (die_with_parent).
  static Result<std::shared_ptr<WorkerSession>> start(boost::asio::any_io_executor executor, WorkerCommand command, const Clock& clock);
  ~WorkerSession() override;

  boost::asio::awaitable<Result<void>> ready() override;
  boost::asio::awaitable<Result<ipc::Loaded>> load(ipc::LoadModel settings, std::chrono::milliseconds timeout) override;
  ipc::StreamId generate(GenerationRequest request) override;
  boost::asio::awaitable<std::optional<GenerationEvent>> next(ipc::StreamId stream, std::chrono::milliseconds patience) override;
  void drop(ipc::StreamId stream) override;
  void throttle(const ipc::Throttle& throttle) override;
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest request) override;
  boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest request) override;

  boost::asio::awaitable<void> gone() override;
  // Shutdown, then SIGKILL.
  boost::asio::awaitable<void> stop() override;

  [[nodiscard]] bool alive() const override { return alive_; }
  [[nodiscard]] const ProcessIdentity& process() const override { return process_->identity(); }
  void on_end(std::function<void()> handler) override { on_end_ = std::move(handler); }

  [[nodiscard]] const std::string& end_reason() const override { return end_reason_; }
  [[nodiscard]] const std::optional<ipc::Hello>& hello() const { return hello_; }
  [[nodiscard]] const ipc::Pong& last_pong() const { return pong_; }

 private:
  WorkerSession(boost::asio::any_io_executor executor, WorkerCommand command, const Clock& clock);
  bool send(const ipc::ToWorker& message);
  Result<void> on_payload(const std::string& payload);
  void on_message(ipc::FromWorker message);
  boost::asio::awaitable<void> watch();
  void disconnected(const Error& error);
  void end(const std::string& reason);
  void deliver(ipc::StreamId stream, GenerationEvent event);
  [[nodiscard]] Error lost() const;

  boost::asio::any_io_executor executor_;
  WorkerCommand command_;
  const Clock& clock_;
  std::unique_ptr<WorkerProcess> process_;
  std::shared_ptr<ipc::Channel> channel_;
  bool alive_ = true;
  bool stopping_ = false;
  std::string end_reason_;
  std::function<void()> on_end_;
  Signal changed_;
  std::optional<ipc::Hello> hello_;
  std::optional<Result<ipc::Loaded>> loaded_;
  std::map<ipc::StreamId, std::shared_ptr<Stream>> streams_;
  std::map<ipc::StreamId, std::optional<Result<std::int64_t>>> counts_;
  std::map<ipc::StreamId, std::optional<Result<Embeddings>>> embeddings_;
  ipc::StreamId last_stream_ = 0;
  ipc::Pong pong_;
  ipc::Throttle throttle_;  // in force
  SteadyTime last_answer_;
  int unanswered_ = 0;  // pings since then
};

// Starts worker processes by one command.
class WorkerSessions final : public WorkerFactory {
 public:
  WorkerSessions(boost::asio::any_io_executor executor, WorkerCommand command, const Clock& clock)
      : executor_(std::move(executor)), command_(std::move(command)), clock_(clock) {}

  Result<std::shared_ptr<WorkerLink>> start() override { return WorkerSession::start(executor_, command_, clock_); }

 private:
  boost::asio::any_io_executor executor_;
  WorkerCommand command_;
  const Clock& clock_;
};

}  // namespace pensieve
