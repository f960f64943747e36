#include "manager/model_manager.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <format>
#include <utility>

#include "base/log.h"

namespace pensieve {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kRetryAfterFailure{10};
constexpr std::int64_t kDefaultContext = 8192;

std::int64_t seconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
}

Error stopping_error() {
  return {ErrorCode::kUnavailable, "the server is stopping", "start it again with `pensieve start`", ""};
}

}  // namespace

std::string_view to_string(ModelState state) {
  switch (state) {
    case ModelState::kUnloaded: return "unloaded";
    case ModelState::kLoading: return "loading";
    case ModelState::kReady: return "ready";
    case ModelState::kUnloading: return "unloading";
    case ModelState::kFailed: return "failed";
  }
  return "unloaded";
}

// A model that is, was or will be loaded.
struct ModelManager::Resident {
  InstalledModel model;
  ModelState state = ModelState::kUnloaded;
  std::optional<Error> failure;
  SteadyTime failed_at;
  std::shared_ptr<WorkerSession> session;
  ipc::Loaded loaded;
  Bytes planned;
  int leases = 0;
  SteadyTime last_use;
};

// Keeps a model loaded while a request uses it.
class ModelManager::Lease {
 public:
  Lease(ModelManager& manager, Resident& resident) : manager_(&manager), resident_(&resident) {
    ++resident.leases;
  }
  Lease(Lease&& other) noexcept
      : manager_(other.manager_), resident_(std::exchange(other.resident_, nullptr)) {}
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (resident_ == nullptr) return;
    --resident_->leases;
    resident_->last_use = manager_->clock_.steady_now();
    manager_->changed_->notify();
  }
  Resident& operator*() const { return *resident_; }
  Resident* operator->() const { return resident_; }

 private:
  ModelManager* manager_;
  Resident* resident_;
};

class ModelManager::ManagedStream final : public GenerationStream {
 public:
  ManagedStream(ModelManager& manager, Lease lease, GenerationRequest request)
      : manager_(manager),
        lease_(std::move(lease)),
        session_(lease_->session),
        model_(lease_->model.id),
        stream_(session_->generate(std::move(request))) {}

  ~ManagedStream() override { session_->drop(stream_); }
  ManagedStream(const ManagedStream&) = delete;
  ManagedStream& operator=(const ManagedStream&) = delete;

  asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds patience) override {
    std::optional<GenerationEvent> event = co_await session_->next(stream_, patience);
    if (!event) co_return event;
    if (const auto* finished = std::get_if<Finished>(&*event)) {
      manager_.counters_.prompt_tokens_total += finished->usage.prompt_tokens;
      manager_.counters_.cached_prompt_tokens_total += finished->usage.cached_prompt_tokens;
      manager_.counters_.completion_tokens_total += finished->usage.completion_tokens;
    }
    if (std::holds_alternative<Failed>(*event)) ++manager_.counters_.requests_failed;
    co_return event;
  }

  [[nodiscard]] const std::string& model() const override { return model_; }

 private:
  ModelManager& manager_;
  Lease lease_;
  std::shared_ptr<WorkerSession> session_;
  std::string model_;
  ipc::StreamId stream_;
};

ModelManager::ModelManager(asio::any_io_executor executor, const Config& config, WorkerCommand worker,
                           Dependencies dependencies)
    : executor_(std::move(executor)),
      config_(config),
      worker_(std::move(worker)),
      directory_(dependencies.directory),
      memory_(dependencies.memory),
      clock_(dependencies.clock),
      started_(clock_.steady_now()),
      changed_(std::make_shared<Signal>(executor_)) {}

ModelManager::~ModelManager() = default;

void ModelManager::start() {
  ensure_spare();
  if (const auto name = directory_.resolve("auto")) {
    asio::co_spawn(executor_, [this, id = name->id]() -> asio::awaitable<void> { co_await acquire(id); },
                   asio::detached);
  }
  asio::co_spawn(executor_, housekeeping(), asio::detached);
}

asio::awaitable<void> ModelManager::stop() {
  stopping_ = true;
  changed_->notify();
  std::vector<std::shared_ptr<WorkerSession>> sessions = ending_;
  if (spare_) sessions.push_back(std::exchange(spare_, nullptr));
  for (const auto& [id, resident] : residents_) {
    if (resident->session) sessions.push_back(resident->session);
  }
  for (const auto& session : sessions) co_await session->stop();
}

void ModelManager::ensure_spare() {
  if (stopping_ || spare_ || !config_.engine.spare_worker) return;
  auto session = WorkerSession::start(executor_, worker_, clock_);
  if (!session) {
    spdlog::error("spare worker: {}", session.error().text());
    return;
  }
  spare_ = *session;
  spare_->on_end([this, lost = spare_.get()] {
    if (spare_.get() == lost) spare_.reset();
  });
}

asio::awaitable<Result<std::shared_ptr<WorkerSession>>> ModelManager::take_worker() {
  std::shared_ptr<WorkerSession> session = std::exchange(spare_, nullptr);
  if (!session || !session->alive()) {
    auto started = WorkerSession::start(executor_, worker_, clock_);
    if (!started) co_return started;
    session = *started;
  }
  session->on_end(nullptr);
  if (Result<void> ready = co_await session->ready(); !ready) co_return std::unexpected(ready.error());
  co_return session;
}

Result<InstalledModel> ModelManager::installed(const std::string& id) const {
  for (InstalledModel& model : directory_.models()) {
    if (model.id == id) return std::move(model);
  }
  return fail(ErrorCode::kNotFound, std::format("model '{}' is not installed any more", id),
              "`pensieve status` shows the installed models", "model");
}

std::int64_t ModelManager::context_for(const InstalledModel& model) const {
  if (config_.engine.context_tokens > 0) return config_.engine.context_tokens;
  return model.context_length > 0 ? std::min(model.context_length, kDefaultContext) : kDefaultContext;
}

MemoryBudget ModelManager::budget() const {
  const MemoryReading reading = memory_.read();
  MemoryBudget budget{.limit = Bytes{config_.memory.limit_bytes},
                      .margin = Bytes{config_.memory.margin_bytes},
                      .available = reading.available};
  if (budget.limit.value == 0) budget.limit = Bytes{reading.total.value / 4 * 3};
  // Small machines would otherwise have nothing left but the margin.
  budget.margin = std::min(budget.margin, Bytes{reading.total.value / 8});
  return budget;
}

std::vector<LoadedModel> ModelManager::loaded_models() const {
  std::vector<LoadedModel> loaded;
  for (const auto& [id, resident] : residents_) {
    if (resident->session) loaded.push_back({id, resident->planned, resident->leases > 0 || resident->state != ModelState::kReady, resident->last_use});
  }
  return loaded;
}

asio::awaitable<Result<void>> ModelManager::make_room(const InstalledModel& model) {
  const Bytes need = estimate_need(model, context_for(model));
  for (;;) {
    if (stopping_) co_return std::unexpected(stopping_error());
    const MemoryBudget now = budget();
    const RoomPlan plan = plan_room(need, Bytes{model.file_bytes}, loaded_models(), now);
    switch (plan.kind) {
      case RoomPlan::Kind::kFits:
        co_return Result<void>();
      case RoomPlan::Kind::kEvict:
        for (const std::string& victim : plan.victims) co_await unload_resident(victim);
        break;
      case RoomPlan::Kind::kWait:
        wants_room_ = model.id;
        co_await changed_->wait();
        break;
      case RoomPlan::Kind::kNever:
        co_return fail(ErrorCode::kOutOfMemory,
                       std::format("'{}' needs about {} ({} of it for a context of {} tokens), but models may take {} "
                                   "and {} of memory are available, of which {} stay free",
                                   model.id, to_text(need), to_text(need - Bytes{model.file_bytes}), context_for(model),
                                   to_text(now.limit), to_text(now.available), to_text(now.margin)),
                       "choose a smaller model, lower engine.context_tokens, or close other programs");
    }
  }
}

asio::awaitable<void> ModelManager::unload_resident(std::string id) {
  Resident& resident = *residents_.at(id);
  if (resident.state != ModelState::kReady || !resident.session) co_return;
  spdlog::info("unloading {}", id);
  resident.state = ModelState::kUnloading;
  const std::shared_ptr<WorkerSession> session = resident.session;
  session->on_end(nullptr);
  co_await session->stop();
  resident.session.reset();
  resident.state = ModelState::kUnloaded;
  changed_->notify();
}

void ModelManager::worker_ended(const std::string& id) {
  Resident& resident = *residents_.at(id);
  ++counters_.workers_lost;
  resident.session.reset();
  if (resident.state == ModelState::kReady) resident.state = ModelState::kUnloaded;
  changed_->notify();
}

// Runs apart from the request that caused it, so that a client that goes away does not undo a load
// that others wait for.
asio::awaitable<void> ModelManager::load_task(std::string id) {
  Resident& resident = *residents_.at(id);
  Result<void> room = co_await make_room(resident.model);
  if (wants_room_ == id) wants_room_.clear();
  Result<ipc::Loaded> loaded = std::unexpected(room ? Error{} : room.error());
  std::shared_ptr<WorkerSession> session;
  if (room) {
    resident.planned = estimate_need(resident.model, context_for(resident.model));
    auto worker = co_await take_worker();
    if (worker) {
      session = resident.session = *worker;
      spdlog::info("loading {} in worker {}", id, session->process().pid);
      loaded = co_await session->load(
          {.model_id = id,
           .path = resident.model.path,
           .context_tokens = static_cast<std::uint32_t>(context_for(resident.model)),
           .max_sequences = static_cast<std::uint32_t>(config_.engine.parallel),
           .batch_tokens = static_cast<std::uint32_t>(config_.engine.batch_tokens),
           .threads = config_.engine.threads,
           .batch_threads = config_.engine.threads,
           .gpu_layers = config_.engine.gpu_layers,
           .cache_type = config_.engine.cache_type},
          std::chrono::seconds(config_.engine.load_timeout_s));
    } else {
      loaded = std::unexpected(worker.error());
    }
  }
  loading_.clear();
  resident.last_use = clock_.steady_now();
  if (loaded) {
    resident.loaded = *loaded;
    resident.state = ModelState::kReady;
    resident.failure.reset();
    session->on_end([this, id] { worker_ended(id); });
    if (!session->alive()) worker_ended(id);
    spdlog::info("loaded {} in {} ms: context {}, {} threads, template: {}", id, loaded->load_us / 1000,
                 loaded->context_tokens, loaded->threads, loaded->chat_template_source);
  } else {
    resident.state = ModelState::kFailed;
    resident.failure = loaded.error();
    resident.failed_at = clock_.steady_now();
    spdlog::error("loading {}: {}", id, loaded.error().text());
    resident.session.reset();
    if (session) {
      ending_.push_back(session);
      changed_->notify();
      co_await session->stop();
      std::erase(ending_, session);
    }
  }
  changed_->notify();
  ensure_spare();
}

asio::awaitable<Result<ModelManager::Lease>> ModelManager::acquire(std::string id) {
  const std::shared_ptr<Signal> changed = changed_;
  for (;;) {
    if (stopping_) co_return std::unexpected(stopping_error());
    std::unique_ptr<Resident>& resident = residents_[id];
    if (!resident) resident = std::make_unique<Resident>();
    const bool held_back = !wants_room_.empty() && wants_room_ != id;
    if (resident->state == ModelState::kReady && !held_back) {
      if (resident->leases >= config_.engine.parallel + config_.engine.queue_limit) {
        co_return fail(ErrorCode::kOverloaded, std::format("{} requests wait for '{}' already", config_.engine.queue_limit, id),
                       "try again in a few seconds");
      }
      co_return Lease(*this, *resident);
    }
    if (resident->state == ModelState::kFailed &&
        clock_.steady_now() - resident->failed_at < kRetryAfterFailure) {
      co_return std::unexpected(*resident->failure);
    }
    if (Result<void> begun = begin_load(id); !begun) co_return std::unexpected(begun.error());
    co_await changed->wait();
  }
}

// Begins to load the model if it is not loaded and nothing else is being loaded.
Result<void> ModelManager::begin_load(const std::string& id) {
  Resident& resident = *residents_.at(id);
  const bool startable = resident.state == ModelState::kUnloaded || resident.state == ModelState::kFailed;
  if (!startable || !loading_.empty()) return {};
  resident.model = TRY(installed(id));
  resident.state = ModelState::kLoading;
  loading_ = id;
  asio::co_spawn(executor_, load_task(id), asio::detached);
  return {};
}

asio::awaitable<bool> ModelManager::settled(std::string model, std::chrono::milliseconds patience) {
  const std::shared_ptr<Signal> changed = changed_;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const Result<ResolvedName> name = directory_.resolve(model);
  while (name && !stopping_) {
    std::unique_ptr<Resident>& resident = residents_[name->id];
    if (!resident) resident = std::make_unique<Resident>();
    const bool held_back = !wants_room_.empty() && wants_room_ != name->id;
    if (resident->state == ModelState::kReady && !held_back) co_return true;
    const bool failed_lately = resident->state == ModelState::kFailed &&
                               clock_.steady_now() - resident->failed_at < kRetryAfterFailure;
    if (failed_lately || !begin_load(name->id)) co_return true;
    if (!co_await changed->wait_until(deadline)) co_return false;
  }
  co_return true;
}

asio::awaitable<Result<std::unique_ptr<GenerationStream>>> ModelManager::generate(GenerationRequest request) {
  ++counters_.requests_total;
  const Result<ResolvedName> name = directory_.resolve(request.model);
  Result<Lease> lease = name ? co_await acquire(name->id) : Result<Lease>(std::unexpected(name.error()));
  if (!lease) {
    ++counters_.requests_failed;
    co_return std::unexpected(lease.error());
  }
  co_return std::make_unique<ManagedStream>(*this, std::move(*lease), std::move(request));
}

asio::awaitable<Result<std::int64_t>> ModelManager::count_tokens(GenerationRequest request) {
  const Result<ResolvedName> name = directory_.resolve(request.model);
  if (!name) co_return std::unexpected(name.error());
  Result<Lease> lease = co_await acquire(name->id);
  if (!lease) co_return std::unexpected(lease.error());
  co_return co_await (*lease)->session->count_tokens(std::move(request));
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
  const auto found = residents_.find(name->id);
  if (found == residents_.end()) co_return Result<void>();
  const std::shared_ptr<Signal> changed = changed_;
  while (!stopping_ && (found->second->leases > 0 || found->second->state == ModelState::kLoading)) {
    co_await changed->wait();
  }
  co_await unload_resident(name->id);
  co_return Result<void>();
}

asio::awaitable<void> ModelManager::housekeeping() {
  asio::steady_timer timer(executor_);
  while (!stopping_) {
    timer.expires_after(std::chrono::seconds(1));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (stopping_) co_return;
    if (loading_.empty()) ensure_spare();
    if (!wants_room_.empty()) changed_->notify();  // other programs may have freed memory
    if (config_.engine.idle_unload_s == 0) continue;
    std::vector<std::string> idle;
    for (const auto& [id, resident] : residents_) {
      if (resident->state == ModelState::kReady && resident->leases == 0 &&
          seconds_between(resident->last_use, clock_.steady_now()) >= config_.engine.idle_unload_s) {
        idle.push_back(id);
      }
    }
    for (const std::string& id : idle) co_await unload_resident(id);
  }
}

ModelStatus ModelManager::describe(const InstalledModel& model) const {
  ModelStatus status{.id = model.id,
                     .aliases = model.aliases,
                     .path = model.path,
                     .architecture = model.architecture,
                     .quantization = model.quantization,
                     .file_bytes = model.file_bytes,
                     .parameters = model.parameters,
                     .created_unix = model.modified_unix,
                     .trained_context_tokens = model.context_length,
                     .context_tokens = context_for(model)};
  const auto found = residents_.find(model.id);
  if (found == residents_.end()) return status;
  const Resident& resident = *found->second;
  status.state = resident.state;
  if (resident.failure && resident.state == ModelState::kFailed) status.state_reason = resident.failure->text();
  if (resident.state == ModelState::kLoading && wants_room_ == model.id) status.state_reason = "waits for busy models";
  if (!resident.session) return status;
  status.worker_pid = resident.session->process().pid;
  status.resident_bytes = resident_memory(status.worker_pid).value;
  if (resident.state != ModelState::kReady) return status;
  status.context_tokens = resident.loaded.sequence_context_tokens;
  status.weights_bytes = resident.loaded.weights_bytes;
  status.kv_bytes = resident.loaded.kv_bytes;
  status.compute_bytes = resident.loaded.compute_bytes;
  status.load_ms = resident.loaded.load_us / 1000;
  status.active_requests = std::min(resident.leases, config_.engine.parallel);
  status.waiting_requests = resident.leases - status.active_requests;
  status.idle_seconds = resident.leases > 0 ? 0 : seconds_between(resident.last_use, clock_.steady_now());
  return status;
}

Result<ModelStatus> ModelManager::find(std::string_view name) const {
  const Result<ResolvedName> resolved = directory_.resolve(name);
  if (!resolved) return std::unexpected(resolved.error());
  return describe(TRY(installed(resolved->id)));
}

ServiceStatus ModelManager::status() const {
  ServiceStatus status = counters_;
  for (const InstalledModel& model : directory_.models()) status.models.push_back(describe(model));
  status.skipped = directory_.skipped();
  if (const auto name = directory_.resolve("auto")) status.default_model = name->id;
  const MemoryReading memory = memory_.read();
  status.memory_total = memory.total.value;
  status.memory_available = memory.available.value;
  status.supervisor_resident_bytes = resident_memory(this_process().pid).value;
  status.uptime_seconds = seconds_between(started_, clock_.steady_now());
  status.spare_workers = spare_ ? 1 : 0;
  return status;
}

}  // namespace pensieve
