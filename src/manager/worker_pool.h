// Where workers come from, and where all of them end.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "manager/backoff.h"
#include "manager/worker_link.h"

namespace pensieve {

// A spare worker has its backends initialised, which takes seconds with some GPU drivers, so that a
// load need not wait for that. One that dies before it was needed is replaced, more slowly each time it
// happens again. On the supervisor's loop.
class WorkerPool {
 public:
  // Keeps no spare worker if not `with_spare`.
  WorkerPool(boost::asio::any_io_executor executor, WorkerFactory& factory, const Clock& clock, bool with_spare)
      : executor_(std::move(executor)), factory_(factory), clock_(clock), with_spare_(with_spare) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Starts the spare worker if there should be one, is none and may be tried. A failure is logged.
  void ensure_spare();

  // The spare worker or a new one, once it is ready. Errors of WorkerFactory::start(), kWorkerLost,
  // kUnavailable after stop().
  boost::asio::awaitable<Result<std::shared_ptr<WorkerLink>>> take();

  // Ends every worker that ever came from here, side by side; completes when all processes are gone.
  boost::asio::awaitable<void> stop();

  [[nodiscard]] bool has_spare() const { return spare_ != nullptr; }
  // Why there is no spare worker though there should be one; empty otherwise.
  [[nodiscard]] std::string spare_reason() const;

 private:
  Result<std::shared_ptr<WorkerLink>> start();
  void spare_lost(const WorkerLink* worker);

  boost::asio::any_io_executor executor_;
  WorkerFactory& factory_;
  const Clock& clock_;
  bool with_spare_;
  bool stopping_ = false;
  std::shared_ptr<WorkerLink> spare_;
  Backoff spare_backoff_{std::chrono::seconds(1), std::chrono::minutes(5)};
  std::string spare_failure_;
  // A worker lives at least as long as its process, so what is expired here is gone.
  std::vector<std::weak_ptr<WorkerLink>> started_;
};

}  // namespace pensieve
