// Where workers come from, and where all of them end.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "manager/worker_link.h"

namespace pensieve {

// A spare worker has its backends initialised, which takes seconds with some GPU drivers, so that a
// load need not wait for that. On the supervisor's loop.
class WorkerPool {
 public:
  // Keeps no spare worker if not `with_spare`.
  WorkerPool(boost::asio::any_io_executor executor, WorkerFactory& factory, bool with_spare)
      : executor_(std::move(executor)), factory_(factory), with_spare_(with_spare) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Starts the spare worker if there should be one and is none. A failure is logged.
  void ensure_spare();

  // The spare worker or a new one, once it is ready. Errors of WorkerFactory::start(), kWorkerLost,
  // kUnavailable after stop().
  boost::asio::awaitable<Result<std::shared_ptr<WorkerLink>>> take();

  // Ends every worker that ever came from here, side by side; completes when all processes are gone.
  boost::asio::awaitable<void> stop();

  [[nodiscard]] bool has_spare() const { return spare_ != nullptr; }

 private:
  Result<std::shared_ptr<WorkerLink>> start();

  boost::asio::any_io_executor executor_;
  WorkerFactory& factory_;
  bool with_spare_;
  bool stopping_ = false;
  std::shared_ptr<WorkerLink> spare_;
  // A worker lives at least as long as its process, so what is expired here is gone.
  std::vector<std::weak_ptr<WorkerLink>> started_;
};

}  // namespace pensieve
