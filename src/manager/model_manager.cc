#include "manager/model_manager.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>
#include <format>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "manager/model_status.h"

namespace pensieve {

namespace asio = boost::asio;

ModelManager::ModelManager(asio::any_io_executor executor, const Config& config, Dependencies dependencies)
    : executor_(std::move(executor)),
      config_(config.engine),
      directory_(dependencies.directory),
      planner_(dependencies.planner),
      ledger_(dependencies.ledger),
      housekeeping_interval_(dependencies.housekeeping_interval),
      started_(dependencies.clock.steady_now()),
      residents_(std::make_shared<ResidentTable>(executor_, dependencies.clock)),
      workers_(executor_, dependencies.workers, config.engine.spare_worker),
      loader_(executor_, config, {directory_, planner_, ledger_, *residents_, workers_}),
      stopped_(std::make_shared<Signal>(executor_)) {}

void ModelManager::start() {
  workers_.ensure_spare();
  if (const auto name = directory_.resolve("auto")) {
    asio::co_spawn(executor_, [this, id = name->id]() -> asio::awaitable<void> { co_await acquire(id); }, asio::detached);
  }
  asio::co_spawn(executor_, housekeeping(), asio::detached);
}

asio::awaitable<void> ModelManager::stop() {
  stopping_ = true;
  stopped_->notify();
  loader_.stop();
  // Their end is wanted, so it is not counted as a loss.
  for (const auto& [id, resident] : residents_->all()) {
    if (resident->worker) resident->worker->on_end(nullptr);
  }
  co_await workers_.stop();
}

// True if a request may use the model at once.
bool ModelManager::usable(const std::string& id) const {
  const Resident* resident = residents_->find(id);
  return resident != nullptr && resident->state == ModelState::kReady && resident->unloads_wanted == 0 && !loader_.holds_back(id);
}

bool ModelManager::crowded(const Resident& resident) const {
  return resident.leases + std::ssize(resident.waiting) >= config_.parallel + config_.queue_limit;
}

asio::awaitable<Result<void>> ModelManager::unload_if_changed(std::string id) {
  const Result<InstalledModel> now = installed_model(directory_, id);
  if (!now) co_return std::unexpected(now.error());
  const Resident* resident = residents_->find(id);
  if (resident == nullptr || resident->state != ModelState::kReady) co_return Result<void>();
  const InstalledModel& then = resident->model;
  const bool same = then.path == now->path && then.file_bytes == now->file_bytes && then.modified_unix == now->modified_unix;
  if (!same) co_await residents_->unload_when_idle(id);
  co_return Result<void>();
}

asio::awaitable<Result<Lease>> ModelManager::acquire(std::string id) {
  const std::shared_ptr<Signal> changed = residents_->changed();
  if (Result<void> current = co_await unload_if_changed(id); !current) co_return std::unexpected(current.error());
  const std::shared_ptr<Resident> resident = residents_->entry(id);
  if (crowded(*resident)) {
    co_return fail(ErrorCode::kOverloaded, std::format("{} requests wait for '{}' already", config_.queue_limit, id),
                   "try again in a few seconds");
  }
  const Place place(*residents_, resident);
  for (;;) {
    if (stopping_) co_return std::unexpected(stopping_error());
    if (resident->state == ModelState::kReady && (place.promised() || usable(id))) co_return Lease(*residents_, resident);
    if (loader_.failed_lately(*resident)) co_return std::unexpected(*resident->failure);
    if (Result<void> begun = loader_.begin(id); !begun) co_return std::unexpected(begun.error());
    co_await changed->wait();
  }
}

asio::awaitable<bool> ModelManager::settled(std::string model, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const std::shared_ptr<Signal> changed = residents_->changed();
  const Result<ResolvedName> name = directory_.resolve(model);
  if (!name) co_return true;
  const std::shared_ptr<Resident> resident = residents_->entry(name->id);
  if (crowded(*resident)) co_return true;
  const Place place(*residents_, resident);
  while (!stopping_) {
    if (resident->state == ModelState::kReady && (place.promised() || usable(name->id))) co_return true;
    if (loader_.failed_lately(*resident) || !loader_.begin(name->id)) co_return true;
    if (!co_await changed->wait_until(deadline)) co_return false;
  }
  co_return true;
}

// Puts the speed of an answer into the ledger if it had the machine to itself from begin to end: only
// then it is the model's own.
std::function<void(const Finished&)> ModelManager::recorder_for(const Resident& resident) {
  const bool alone = residents_->leases() == 1;
  return [this, alone, table = std::weak_ptr(residents_), given = residents_->leases_given(), model = resident.model.fingerprint,
          cache = resident.cache_type](const Finished& finished) {
    const auto still = table.lock();
    if (!alone || !still || still->leases_given() != given) return;
    ledger_.note_answer(model, cache, finished.usage, finished.timings);
  };
}

asio::awaitable<Result<std::unique_ptr<GenerationStream>>> ModelManager::generate(GenerationRequest request) {
  ++counters_->requests;
  const Result<ResolvedName> name = directory_.resolve(request.model);
  Result<Lease> lease = name ? co_await acquire(name->id) : Result<Lease>(std::unexpected(name.error()));
  if (!lease) {
    ++counters_->failed;
    co_return std::unexpected(lease.error());
  }
  auto recorder = recorder_for(**lease);
  co_return std::make_unique<ManagedStream>(counters_, std::move(*lease), std::move(request), std::move(recorder));
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
  co_await residents_->unload_when_idle(name->id);
  co_return Result<void>();
}

asio::awaitable<void> ModelManager::housekeeping() {
  const std::shared_ptr<Signal> stopped = stopped_;
  while (!stopping_) {
    if (co_await stopped->wait_until(std::chrono::steady_clock::now() + housekeeping_interval_)) continue;
    if (!loader_.loading()) workers_.ensure_spare();
    residents_->notify();  // other programs may have freed memory for a load that waits
    note_memory();
    co_await unload_unwanted();
  }
}

// Keeps what the workers hold: more of it is touched with each longer prompt, so the most counts.
void ModelManager::note_memory() {
  constexpr Bytes kTellingStep = mebibytes(4);
  for (const auto& [id, resident] : residents_->all()) {
    if (resident->state != ModelState::kReady || !resident->worker) continue;
    const Bytes now = resident_memory(resident->worker->process().pid);
    if (now <= resident->measured + kTellingStep) continue;
    resident->measured = now;
    ledger_.note(resident->model.fingerprint, store::MeasurementKind::kMemoryBytes, resident->cache_type, resident->loaded.context_tokens,
                 static_cast<double>(now.value));
  }
}

// Unloads idle models that were not used for long or whose files are gone.
asio::awaitable<void> ModelManager::unload_unwanted() {
  std::vector<std::string> unwanted;
  for (const auto& [id, resident] : residents_->all()) {
    if (resident->state != ModelState::kReady || resident->busy()) continue;
    const bool old = config_.idle_unload_s > 0 && seconds_between(resident->last_use, residents_->now()) >= config_.idle_unload_s;
    std::error_code ignored;
    const bool gone = !std::filesystem::exists(resident->model.path, ignored);
    if (old || gone) unwanted.push_back(id);
  }
  for (const std::string& id : unwanted) co_await residents_->unload(id);
}

ModelStatus ModelManager::describe(const InstalledModel& model) const {
  ModelStatus status =
      describe_model(model, residents_->find(model.id), planner_.wished_context(model), config_.parallel, residents_->now());
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
  const memory::MachineState memory = planner_.machine();
  status.memory_total = memory.total.value;
  status.memory_available = memory.available.value;
  status.supervisor_resident_bytes = resident_memory(this_process().pid).value;
  status.uptime_seconds = seconds_between(started_, residents_->now());
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
