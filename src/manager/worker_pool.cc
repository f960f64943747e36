#include "manager/worker_pool.h"

#include <utility>

#include "base/log.h"

namespace pensieve {

void WorkerPool::ensure_spare() {
  if (spare_ || !with_spare_) return;
  auto worker = factory_.start();
  if (!worker) {
    spdlog::error("spare worker: {}", worker.error().text());
    return;
  }
  spare_ = *worker;
  spare_->on_end([this, lost = spare_.get()] {
    if (spare_.get() == lost) spare_.reset();
  });
}

std::shared_ptr<WorkerLink> WorkerPool::release_spare() {
  std::shared_ptr<WorkerLink> worker = std::exchange(spare_, nullptr);
  if (worker) worker->on_end(nullptr);
  return worker;
}

boost::asio::awaitable<Result<std::shared_ptr<WorkerLink>>> WorkerPool::take() {
  std::shared_ptr<WorkerLink> worker = release_spare();
  if (!worker || !worker->alive()) {
    auto started = factory_.start();
    if (!started) co_return started;
    worker = *started;
  }
  if (Result<void> ready = co_await worker->ready(); !ready) co_return std::unexpected(ready.error());
  co_return worker;
}

}  // namespace pensieve
