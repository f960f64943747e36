// Workers without a model: the spare one, and new ones where there is none.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "manager/worker_link.h"

namespace pensieve {

// A spare worker has its backends initialised, which takes seconds with some GPU drivers, so that a
// load need not wait for that. On the supervisor's loop.
class WorkerPool {
 public:
  // Keeps no spare worker if not `with_spare`.
  WorkerPool(WorkerFactory& factory, bool with_spare) : factory_(factory), with_spare_(with_spare) {}
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Starts the spare worker if there should be one and is none. A failure is logged.
  void ensure_spare();

  // The spare worker or a new one, once it is ready.
  boost::asio::awaitable<Result<std::shared_ptr<WorkerLink>>> take();

  // The spare worker leaves the pool; null if there is none.
  std::shared_ptr<WorkerLink> release_spare();

  [[nodiscard]] bool has_spare() const { return spare_ != nullptr; }

 private:
  WorkerFactory& factory_;
  bool with_spare_;
  std::shared_ptr<WorkerLink> spare_;
};

}  // namespace pensieve
