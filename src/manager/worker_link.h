// One worker as the manager sees it, and where new ones come from: the seam between what is decided
// and the processes that do it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/process.h"
#include "base/result.h"
#include "generation/embedding.h"
#include "generation/event.h"
#include "generation/request.h"
#include "ipc/messages.h"

namespace pensieve {

// All on the supervisor's loop. A worker is over when it ended, hangs, broke the protocol or was
// stopped; then every stream of it gets Failed (kWorkerLost).
class WorkerLink {
 public:
  virtual ~WorkerLink() = default;

  // Completes when the worker has introduced itself. Error kWorkerLost.
  virtual boost::asio::awaitable<Result<void>> ready() = 0;

  // Opens a model. Errors: the worker's own, kWorkerLost (also after `timeout`: it is over then).
  virtual boost::asio::awaitable<Result<ipc::Loaded>> load(ipc::LoadModel settings, std::chrono::milliseconds timeout) = 0;

  virtual ipc::StreamId generate(GenerationRequest request) = 0;
  // The next event of a stream; empty if none comes within `patience`.
  virtual boost::asio::awaitable<std::optional<GenerationEvent>> next(ipc::StreamId stream, std::chrono::milliseconds patience) = 0;
  // Forgets a stream, finished or not.
  virtual void drop(ipc::StreamId stream) = 0;

  // How much of its speed the worker gives up from now on; what is in force already is not sent again.
  virtual void throttle(const ipc::Throttle& throttle) = 0;

  virtual boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest request) = 0;
  virtual boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest request) = 0;

  // Completes when its process is gone and the memory with it; does nothing to that end.
  virtual boost::asio::awaitable<void> gone() = 0;

  // Ends the worker. Completes when its process is gone.
  virtual boost::asio::awaitable<void> stop() = 0;

  [[nodiscard]] virtual bool alive() const = 0;
  [[nodiscard]] virtual const ProcessIdentity& process() const = 0;
  // In words, why it is over ("ended by signal 9 (Killed)"); empty while it is alive.
  [[nodiscard]] virtual const std::string& end_reason() const = 0;

  // Called once when the worker is over, however that came about; nullptr: nobody.
  virtual void on_end(std::function<void()> handler) = 0;
};

// What a request gets while the server stops.
inline Error stopping_error() { return {ErrorCode::kUnavailable, "the server is stopping", "start it again with `pensieve start`", ""}; }

class WorkerFactory {
 public:
  virtual ~WorkerFactory() = default;

  // A new worker without a model. Error kIo/kInternal if it can't be started.
  virtual Result<std::shared_ptr<WorkerLink>> start() = 0;
};

}  // namespace pensieve
