#include "manager/model_manager.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <format>
#include <utility>
#include <vector>

#include "manager/model_status.h"

namespace pensieve {

namespace asio = boost::asio;

ModelManager::ModelManager(asio::any_io_executor executor, const Config& config, Dependencies dependencies)
    : executor_(std::move(executor)),
      config_(config.engine),
      directory_(dependencies.directory),
      memory_(dependencies.memory),
      started_(dependencies.clock.steady_now()),
      residents_(executor_, dependencies.clock),
      workers_(dependencies.workers, config.engine.spare_worker),
      loader_(executor_, config, {directory_, memory_, residents_, workers_}) {}

void ModelManager::start() {
  workers_.ensure_spare();
  if (const auto name = directory_.resolve("auto")) {
    asio::co_spawn(executor_, [this, id = name->id]() -> asio::awaitable<void> { co_await acquire(id); },
                   asio::detached);
  }
  asio::co_spawn(executor_, housekeeping(), asio::detached);
}

asio::awaitable<void> ModelManager::stop() {
  stopping_ = true;
  std::vector<std::shared_ptr<WorkerLink>> workers;
  if (auto spare = workers_.release_spare()) workers.push_back(std::move(spare));
  for (const auto& [id, resident] : residents_.all()) {
    if (resident->worker) workers.push_back(resident->worker);
  }
  co_await loader_.stop();
  for (const auto& worker : workers) co_await worker->stop();
}

asio::awaitable<Result<Lease>> ModelManager::acquire(std::string id) {
  const std::shared_ptr<Signal> changed = residents_.changed();
  for (;;) {
    if (stopping_) co_return std::unexpected(stopping_error());
    Resident& resident = residents_.entry(id);
    if (resident.state == ModelState::kReady && !loader_.holds_back(id)) {
      if (resident.leases >= config_.parallel + config_.queue_limit) {
        co_return fail(ErrorCode::kOverloaded, std::format("{} requests wait for '{}' already", config_.queue_limit, id),
                       "try again in a few seconds");
      }
      co_return Lease(residents_, resident);
    }
    if (loader_.failed_lately(resident)) co_return std::unexpected(*resident.failure);
    if (Result<void> begun = loader_.begin(id); !begun) co_return std::unexpected(begun.error());
    co_await changed->wait();
  }
}

asio::awaitable<bool> ModelManager::settled(std::string model, std::chrono::milliseconds patience) {
  const std::shared_ptr<Signal> changed = residents_.changed();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const Result<ResolvedName> name = directory_.resolve(model);
  while (name && !stopping_) {
    const Resident& resident = residents_.entry(name->id);
    if (resident.state == ModelState::kReady && !loader_.holds_back(name->id)) co_return true;
    if (loader_.failed_lately(resident) || !loader_.begin(name->id)) co_return true;
    if (!co_await changed->wait_until(deadline)) co_return false;
  }
  co_return true;
}

asio::awaitable<Result<std::unique_ptr<GenerationStream>>> ModelManager::generate(GenerationRequest request) {
  ++counters_->requests;
  const Result<ResolvedName> name = directory_.resolve(request.model);
  Result<Lease> lease = name ? co_await acquire(name->id) : Result<Lease>(std::unexpected(name.error()));
  if (!lease) {
    ++counters_->failed;
    co_return std::unexpected(lease.error());
  }
  co_return std::make_unique<ManagedStream>(counters_, std::move(*lease), std::move(request));
}

asio::awaitable<Result<std::int64_t>> ModelManager::count_tokens(GenerationRequest request) {
  const Result<ResolvedName> name = directory_.resolve(request.model);
  if (!name) co_return std::unexpected(name.error());
  Result<Lease> lease = co_await acquire(name->id);
  if (!lease) co_return std::unexpected(lease.error());
  co_return co_await (*lease)->worker->count_tokens(std::move(request));
}

asio::awaitable<Result<void>> ModelManager::load(std::string model) {
  const Result<ResolvedName> name = directory_.resolve(model);
  if (!name) co_return std::unexpected(name.error());
  if (const Result<Lease> lease = co_await acquire(name->id); !lease) co_return std::unexpected(lease.error());
  co_return Result<void>();
}

asio::awaitable<Result<void>> ModelManager::unload(std::string model) {
  const Result<ResolvedName> name = directory_.resolve(model);
  if (!name) co_return std::unexpected(name.error());
  const std::shared_ptr<Signal> changed = residents_.changed();
  const Resident& resident = residents_.entry(name->id);
  while (!stopping_ && (resident.leases > 0 || resident.state == ModelState::kLoading)) co_await changed->wait();
  co_await residents_.unload(name->id);
  co_return Result<void>();
}

asio::awaitable<void> ModelManager::housekeeping() {
  asio::steady_timer timer(executor_);
  while (!stopping_) {
    timer.expires_after(std::chrono::seconds(1));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (stopping_) co_return;
    if (!loader_.loading()) workers_.ensure_spare();
    residents_.notify();  // other programs may have freed memory for a load that waits
    if (config_.idle_unload_s > 0) co_await unload_idle();
  }
}

asio::awaitable<void> ModelManager::unload_idle() {
  std::vector<std::string> idle;
  for (const auto& [id, resident] : residents_.all()) {
    if (resident->state == ModelState::kReady && resident->leases == 0 &&
        seconds_between(resident->last_use, residents_.now()) >= config_.idle_unload_s) {
      idle.push_back(id);
    }
  }
  for (const std::string& id : idle) co_await residents_.unload(id);
}

ModelStatus ModelManager::describe(const InstalledModel& model) const {
  ModelStatus status = describe_model(model, residents_.find(model.id), config_, residents_.now());
  if (status.state == ModelState::kLoading && loader_.waits_for_room(model.id)) status.state_reason = "waits for busy models";
  return status;
}

Result<ModelStatus> ModelManager::find(std::string_view name) const {
  const Result<ResolvedName> resolved = directory_.resolve(name);
  if (!resolved) return std::unexpected(resolved.error());
  return describe(TRY(installed_model(directory_, resolved->id)));
}

ServiceStatus ModelManager::status() const {
  ServiceStatus status;
  for (const InstalledModel& model : directory_.models()) status.models.push_back(describe(model));
  status.skipped = directory_.skipped();
  if (const auto name = directory_.resolve("auto")) status.default_model = name->id;
  const MemoryReading memory = memory_.read();
  status.memory_total = memory.total.value;
  status.memory_available = memory.available.value;
  status.supervisor_resident_bytes = resident_memory(this_process().pid).value;
  status.uptime_seconds = seconds_between(started_, residents_.now());
  status.requests_total = counters_->requests;
  status.requests_failed = counters_->failed;
  status.prompt_tokens_total = counters_->prompt_tokens;
  status.cached_prompt_tokens_total = counters_->cached_prompt_tokens;
  status.completion_tokens_total = counters_->completion_tokens;
  status.spare_workers = workers_.has_spare() ? 1 : 0;
  status.workers_lost = loader_.workers_lost();
  return status;
}

}  // namespace pensieve
