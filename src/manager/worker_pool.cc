#include "manager/worker_pool.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <format>

#include "base/log.h"

namespace pensieve {

namespace asio = boost::asio;

Result<std::shared_ptr<WorkerLink>> WorkerPool::start() {
  if (stopping_) return std::unexpected(stopping_error());
  std::shared_ptr<WorkerLink> worker = TRY(factory_.start());
  std::erase_if(started_, [](const auto& known) { return known.expired(); });
  started_.push_back(worker);
  return worker;
}

void WorkerPool::ensure_spare() {
  if (spare_ || !with_spare_ || stopping_ || spare_backoff_.waits(clock_.steady_now())) return;
  auto worker = start();
  if (!worker) {
    spare_failure_ = worker.error().text();
    spare_backoff_.failed(clock_.steady_now());
    spdlog::error("spare worker: {}", spare_failure_);
    return;
  }
  spare_ = *worker;
  spare_->on_end([this, lost = spare_.get()] { spare_lost(lost); });
}

void WorkerPool::spare_lost(const WorkerLink* worker) {
  if (spare_.get() != worker) return;
  spare_failure_ = "it was lost: " + spare_->end_reason();
  spare_backoff_.stumbled(clock_.steady_now());
  spare_.reset();
}

std::string WorkerPool::spare_reason() const {
  if (spare_ || spare_failure_.empty()) return {};
  return std::format("{}; tried again in {} s", spare_failure_, spare_backoff_.left(clock_.steady_now()).count());
}

asio::awaitable<Result<std::shared_ptr<WorkerLink>>> WorkerPool::take() {
  std::shared_ptr<WorkerLink> worker = std::exchange(spare_, nullptr);
  if (worker) worker->on_end(nullptr);
  if (!worker || !worker->alive()) {
    auto started = start();
    if (!started) co_return started;
    worker = *started;
  }
  if (Result<void> ready = co_await worker->ready(); !ready) co_return std::unexpected(ready.error());
  spare_failure_.clear();
  spare_backoff_.succeeded();
  co_return worker;
}

asio::awaitable<void> WorkerPool::stop() {
  stopping_ = true;
  if (spare_) std::exchange(spare_, nullptr)->on_end(nullptr);
  std::vector<std::shared_ptr<WorkerLink>> running;
  for (const auto& known : started_) {
    if (auto worker = known.lock()) running.push_back(std::move(worker));
  }
  for (const auto& worker : running) asio::co_spawn(executor_, worker->stop(), asio::detached);
  for (const auto& worker : running) co_await worker->stop();
}

}  // namespace pensieve
