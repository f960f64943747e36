#include "manager/model_manager.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <filesystem>
#include <format>
#include <iterator>
#include <system_error>
#include <utility>
#include <vector>

#include "base/log.h"
#include "manager/adapter_choice.h"
#include "manager/model_status.h"

namespace pensieve {

namespace asio = boost::asio;

ModelManager::ModelManager(asio::any_io_executor executor, const Config& config, Dependencies dependencies)
    : executor_(std::move(executor)),
      config_(config.engine),
      models_(config.models),
      directory_(dependencies.directory),
      planner_(dependencies.planner),
      ledger_(dependencies.ledger),
      housekeeping_interval_(dependencies.housekeeping_interval),
      started_(dependencies.clock.steady_now()),
      residents_(std::make_shared<ResidentTable>(executor_, dependencies.clock)),
      workers_(executor_, dependencies.workers, dependencies.clock, config.engine.spare_worker),
      loader_(executor_, config, {directory_, planner_, ledger_, *residents_, workers_}),
      stopped_(std::make_shared<Signal>(executor_)) {}

void ModelManager::start() {
  workers_.ensure_spare();
  for (const std::string& name : models_.pinned) {
    if (const Result<void> pinned = pin(name, true); !pinned) spdlog::error("models.pinned: {}", pinned.error().text());
  }
  asio::co_spawn(executor_, load_at_start(), asio::detached);
  asio::co_spawn(executor_, housekeeping(), asio::detached);
}

// One after the other, the most wanted first.
asio::awaitable<void> ModelManager::load_at_start() {
  std::vector<std::string> names = models_.pinned;
  names.insert(names.end(), models_.preload.begin(), models_.preload.end());
  if (directory_.resolve("auto")) names.emplace_back("auto");
  for (const std::string& name : names) {
    const Result<void> loaded = co_await load(name);
    if (!loaded && !stopping_) spdlog::error("loading {} at start: {}", name, loaded.error().text());
  }
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

void ModelManager::throttle(const monitor::ThrottlePlan& plan) {
  const auto share = [](auto full, std::int32_t percent, auto least) {
    return percent >= 100 ? decltype(least){0}
                          : std::max(least, static_cast<decltype(least)>(static_cast<std::int64_t>(full) * percent / 100));
  };
  for (const auto& [id, resident] : residents_->all()) {
    if (!resident->worker || resident->state != ModelState::kReady) continue;
    const ipc::Loaded& loaded = resident->loaded;
    resident->worker->throttle({.threads = share(loaded.threads, plan.threads_percent, std::int32_t{1}),
                                .batch_threads = share(loaded.batch_threads, plan.threads_percent, std::int32_t{1}),
                                .batch_tokens = share(config_.batch_tokens, plan.batch_percent, std::uint32_t{32}),
                                .max_active = share(config_.parallel, plan.active_percent, std::uint32_t{1}),
                                .pause_percent = plan.pause_percent});
  }
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

asio::awaitable<std::optional<Result<Lease>>> ModelManager::acquire_until(std::string id, Deadline deadline) {
  const std::shared_ptr<Signal> changed = residents_->changed();
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
    if (!co_await changed->wait_until(deadline)) co_return std::nullopt;
  }
}

asio::awaitable<Result<Lease>> ModelManager::acquire(std::string id) {
  if (Result<void> current = co_await unload_if_changed(id); !current) co_return std::unexpected(current.error());
  std::optional<Result<Lease>> lease = co_await acquire_until(std::move(id), Deadline::max());
  co_return std::move(*lease);
}

asio::awaitable<std::optional<Result<Lease>>> ModelManager::lease(std::string id, std::chrono::milliseconds patience) {
  return acquire_until(std::move(id), std::chrono::steady_clock::now() + patience);
}

std::optional<std::string> ModelManager::next_model(LadderQuestion question) {
  if (stopping_) return std::nullopt;
  question.reach = failover_reach(config_.failover);
  std::vector<LadderModel> models;
  for (const InstalledModel& model : directory_.models()) {
    models.push_back({.id = model.id,
                      .ready = usable(model.id),
                      .loadable = loader_.loadable(model),
                      .fallback = std::ranges::find(model.aliases, "fallback") != model.aliases.end(),
                      .sees_images = !model.projector.empty(),
                      .file_bytes = model.file_bytes,
                      .context_tokens = describe(model).context_tokens});
  }
  return next_on_ladder(models, question);
}

std::unique_ptr<ManagedStream> ModelManager::answer(Lease lease, GenerationRequest request) {
  auto recorder = recorder_for(*lease);
  drop_foreign_adapters(request, lease->model.id, directory_);
  return std::make_unique<ManagedStream>(std::move(lease), std::move(request), std::move(recorder));
}

asio::awaitable<bool> ModelManager::settled(std::string model, std::chrono::milliseconds patience) {
  const Result<ResolvedName> name = directory_.resolve(model);
  if (!name) co_return true;
  const std::optional<Result<Lease>> lease = co_await acquire_until(name->id, std::chrono::steady_clock::now() + patience);
  co_return lease.has_value();
}

// True if loading was tried and broke, so that another model may answer. What was refused beforehand is for
// the client to decide.
bool ModelManager::failed_to_load(const std::string& id, const Error& error) const {
  const Resident* resident = residents_->find(id);
  const bool fault = error.code == ErrorCode::kWorkerLost || error.code == ErrorCode::kOutOfMemory || error.code == ErrorCode::kInternal;
  return fault && resident != nullptr && resident->state == ModelState::kFailed && !resident->refused;
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
  AnswerSource& source = *this;
  const Result<ResolvedName> name = directory_.resolve(request.model);
  const Result<void> adapted = name ? resolve_adapters(request, *name, directory_) : std::unexpected(name.error());
  Result<Lease> lease = adapted ? co_await acquire(name->id) : Result<Lease>(std::unexpected(adapted.error()));
  if (lease) co_return std::make_unique<FailoverStream>(source, counters_, std::move(request), std::move(*lease));
  if (adapted && failed_to_load(name->id, lease.error())) {
    auto stream = std::make_unique<FailoverStream>(source, counters_, std::move(request), name->id, lease.error());
    if (stream->recovers()) co_return stream;
  }
  ++counters_->failed;
  co_return std::unexpected(name ? left_alone(name->id, lease.error()) : lease.error());
}

// While a model that broke waits for its next try, its requests are told for how long.
Error ModelManager::left_alone(const std::string& id, const Error& error) const {
  const Resident* resident = residents_->find(id);
  if (!failed_to_load(id, error) || resident->backoff.left(residents_->now()).count() == 0) return error;
  const auto left = resident->backoff.left(residents_->now()).count();
  return {ErrorCode::kUnavailable, std::format("'{}' is tried again in {} s: {}", id, left, error.message),
          "ask another model, or this one again then", "", static_cast<std::int32_t>(left)};
}

asio::awaitable<Result<std::int64_t>> ModelManager::count_tokens(GenerationRequest request) {
  const Result<ResolvedName> name = directory_.resolve(request.model);
  if (!name) co_return std::unexpected(name.error());
  Result<Lease> lease = co_await acquire(name->id);
  if (!lease) co_return std::unexpected(lease.error());
  co_return co_await (*lease)->worker->count_tokens(std::move(request));
}

asio::awaitable<Result<Embeddings>> ModelManager::embed(EmbeddingRequest request) {
  Result<ResolvedName> name = directory_.resolve(request.model);
  if (!name) co_return std::unexpected(name.error());
  if (!name->fixed) {
    for (const InstalledModel& model : directory_.models()) {
      if (model.makes_embeddings) name->id = model.id;
    }
  }
  Result<Lease> lease = co_await acquire(name->id);
  if (!lease) co_return std::unexpected(lease.error());
  Result<Embeddings> embeddings = co_await (*lease)->worker->embed(std::move(request));
  if (embeddings) embeddings->model = name->id;
  co_return embeddings;
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
  const std::shared_ptr<Resident> resident = residents_->entry(name->id);
  resident->pinned = resident->wanted = false;
  co_await residents_->unload_when_idle(name->id);
  co_return Result<void>();
}

Result<void> ModelManager::pin(std::string_view model, bool pinned) {
  const ResolvedName name = TRY(directory_.resolve(model));
  residents_->entry(name.id)->pinned = pinned;
  residents_->notify();
  return {};
}

Result<void> ModelManager::keep(std::string_view model, std::optional<std::chrono::seconds> idle) {
  const ResolvedName name = TRY(directory_.resolve(model));
  residents_->entry(name.id)->keep = idle;
  return {};
}

asio::awaitable<void> ModelManager::housekeeping() {
  const std::shared_ptr<Signal> stopped = stopped_;
  while (!stopping_) {
    if (co_await stopped->wait_until(std::chrono::steady_clock::now() + housekeeping_interval_)) continue;
    if (!loader_.loading()) workers_.ensure_spare();
    residents_->notify();  // other programs may have freed memory for a load that waits
    note_memory();
    co_await unload_unwanted();
    loader_.bring_back();
  }
}

// True for an idle model that was not used for long or whose file is gone.
bool ModelManager::unwanted(const Resident& resident) const {
  if (resident.state != ModelState::kReady || resident.busy()) return false;
  std::error_code ignored;
  if (!std::filesystem::exists(resident.model.path, ignored)) return true;
  if (resident.pinned) return false;
  const std::chrono::seconds configured(config_.idle_unload_s > 0 ? config_.idle_unload_s : -1);
  const std::chrono::seconds longest = resident.keep.value_or(configured);
  return longest >= std::chrono::seconds(0) && residents_->now() - resident.last_use >= longest;
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

asio::awaitable<void> ModelManager::unload_unwanted() {
  std::vector<std::string> ids;
  for (const auto& [id, resident] : residents_->all()) {
    if (unwanted(*resident)) ids.push_back(id);
  }
  for (const std::string& id : ids) co_await residents_->unload(id);
}

ModelStatus ModelManager::describe(const InstalledModel& model) const {
  const Resident* resident = residents_->find(model.id);
  ModelStatus status = describe_model(model, resident, planner_.wished_context(model), config_.parallel, residents_->now());
  if (resident != nullptr) status.idle_limit_seconds = idle_limit_seconds(*resident, config_.idle_unload_s);
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
  status.answers_continued = counters_->continued;
  status.answers_retried = counters_->retried;
  status.prompt_tokens_total = counters_->prompt_tokens;
  status.cached_prompt_tokens_total = counters_->cached_prompt_tokens;
  status.completion_tokens_total = counters_->completion_tokens;
  status.spare_workers = workers_.has_spare() ? 1 : 0;
  status.spare_worker_reason = workers_.spare_reason();
  status.workers_lost = loader_.workers_lost();
  return status;
}

}  // namespace pensieve
