#include "manager/model_loader.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <format>
#include <utility>

#include "base/log.h"
#include "manager/adapter_choice.h"
#include "manager/experts.h"

namespace pensieve {

namespace asio = boost::asio;

namespace {

// A client that asks one thing after the other sends its next request this soon after an answer. Its model
// is not taken away in between while the other load may still wait (engine.switch_wait_ms).
constexpr std::chrono::milliseconds kLinger{30};
// A killed process is gone in a moment, unless it hangs in the system; then the machine's reading tells what is left.
constexpr std::chrono::seconds kLeaveGrace{15};

Error no_room(const InstalledModel& model, const memory::Plan& plan, const memory::MachineState& machine, bool pins) {
  return {
      ErrorCode::kOutOfMemory,
      std::format("'{}' needs about {} ({} of it beside the weights, for a context of {} tokens with a {} cache), but models may take {} "
                  "and {} of memory are available, of which {} stay free",
                  model.id, to_text(plan.check.needed), to_text(plan.check.needed - plan.memory.weights), plan.settings.context_tokens,
                  memory::format_of(plan.settings.cache).name, to_text(machine.limit), to_text(machine.available), to_text(machine.margin)),
      pins ? "unpin a model, choose a smaller one, or lower engine.context_tokens"
           : "choose a smaller model, lower engine.context_tokens, or close other programs",
      ""};
}

// What kept conversations may take of the disk now; 0: nothing.
std::int64_t kept_conversations_bytes(const CacheConfig& cache) {
  if (cache.folder.empty() || cache.disk_bytes == 0) return 0;
  if (cache.disk_bytes > 0) return cache.disk_bytes;
  constexpr std::int64_t kMost = 8'000'000'000;
  constexpr std::int64_t kFreeShare = 20;
  std::filesystem::path folder = cache.folder;
  std::error_code error;
  while (!std::filesystem::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  return error ? 0 : std::min(kMost, static_cast<std::int64_t>(space.available) / kFreeShare);
}

}  // namespace

Result<InstalledModel> installed_model(ModelDirectory& directory, const std::string& id) {
  for (InstalledModel& model : directory.models()) {
    if (model.id == id) return std::move(model);
  }
  return fail(ErrorCode::kNotFound, std::format("model '{}' is not installed any more", id), "`pensieve status` shows the installed models",
              "model");
}

ModelLoader::ModelLoader(asio::any_io_executor executor, const Config& config, Dependencies dependencies)
    : executor_(std::move(executor)),
      engine_(config.engine),
      cache_(config.cache),
      directory_(dependencies.directory),
      planner_(dependencies.planner),
      ledger_(dependencies.ledger),
      residents_(dependencies.residents),
      workers_(dependencies.workers) {}

bool ModelLoader::failed_lately(const Resident& resident) const {
  if (resident.state != ModelState::kFailed) return false;
  if (resident.refused) return room_for(resident.model, planner_.machine()).kind == RoomPlan::Kind::kNever;
  return resident.backoff.waits(residents_.now());
}

bool ModelLoader::loadable(const InstalledModel& model) const {
  const Resident* resident = residents_.find(model.id);
  if (resident != nullptr && failed_lately(*resident)) return false;
  return room_for(model, planner_.machine()).kind != RoomPlan::Kind::kNever;
}

bool ModelLoader::holds_back(std::string_view id) const {
  if (wants_room_.empty() || wants_room_ == id) return false;
  return residents_.now() - wants_room_since_ >= std::chrono::milliseconds(engine_.switch_wait_ms);
}

void ModelLoader::wait_for_room(const std::string& id) {
  if (wants_room_.empty()) wants_room_since_ = residents_.now();
  wants_room_ = id;
}

bool ModelLoader::lingers(const std::vector<std::string>& victims) const {
  const SteadyTime now = residents_.now();
  const SteadyTime since = wants_room_.empty() ? now : wants_room_since_;
  if (now - since >= std::chrono::milliseconds(engine_.switch_wait_ms)) return false;
  return std::ranges::any_of(victims, [&](const std::string& id) { return now - residents_.find(id)->last_use < kLinger; });
}

Result<void> ModelLoader::begin(const std::string& id) {
  Resident& resident = *residents_.entry(id);
  const bool startable = resident.state == ModelState::kUnloaded || resident.state == ModelState::kFailed;
  if (!startable || !loading_.empty() || stopping_) return {};
  resident.model = TRY(installed_model(directory_, id));
  resident.state = ModelState::kLoading;
  resident.refused = false;
  loading_ = id;
  // Posted: co_spawn alone would run up to the first wait, and a load that fails at once would notify
  // before its caller waits.
  asio::post(executor_, [this, id] { asio::co_spawn(executor_, load(id), asio::detached); });
  return {};
}

void ModelLoader::bring_back() {
  for (const auto& [id, resident] : residents_.all()) {
    const bool gone = resident->state == ModelState::kUnloaded || resident->state == ModelState::kFailed;
    if (!gone || !(resident->pinned || resident->wanted) || failed_lately(*resident)) continue;
    const Result<InstalledModel> model = installed_model(directory_, id);
    const RoomPlan::Kind room = model ? room_for(*model, planner_.machine()).kind : RoomPlan::Kind::kNever;
    if (room == RoomPlan::Kind::kFits || (room == RoomPlan::Kind::kEvict && resident->pinned)) {
      static_cast<void>(begin(id));
      return;  // one at a time
    }
  }
}

asio::awaitable<void> ModelLoader::load(std::string id) {
  Resident& resident = *residents_.entry(id);
  const SteadyTime begun = residents_.now();
  Result<ipc::Loaded> loaded = co_await try_load(resident);
  // A worker may be lost for no fault of the model (the spare one had been stopped), so it gets another,
  // unless the time for loading is half gone.
  const bool soon = residents_.now() - begun < std::chrono::seconds(engine_.load_timeout_s) / 2;
  if (!loaded && loaded.error().code == ErrorCode::kWorkerLost && soon && !stopping_) loaded = co_await try_load(resident);
  loading_.clear();
  resident.last_use = residents_.now();
  resident.wanted = false;
  if (loaded) {
    succeeded(resident, std::move(*loaded));
  } else {
    failed(resident, std::move(loaded).error());
  }
  residents_.notify();
  workers_.ensure_spare();
}

// A worker that could not load is gone when this completes, so that its memory may be given again.
asio::awaitable<Result<ipc::Loaded>> ModelLoader::try_load(Resident& resident) {
  const Result<memory::Plan> room = co_await make_room(resident);
  wants_room_.clear();
  if (!room) co_return std::unexpected(room.error());
  Result<ipc::Loaded> loaded = co_await load_into_worker(resident, *room);
  if (!loaded && resident.worker) {
    co_await resident.worker->stop();
    resident.worker.reset();
  }
  co_return loaded;
}

RoomPlan ModelLoader::room_for(const InstalledModel& model, const memory::MachineState& machine) const {
  const auto plan_in = [&](const memory::MachineState& state) { return planner_.plan(model, state); };
  return plan_room(plan_in, residents_.loaded_models(), machine);
}

asio::awaitable<Result<memory::Plan>> ModelLoader::make_room(Resident& resident) {
  const InstalledModel& model = resident.model;
  const std::shared_ptr<Signal> changed = residents_.changed();
  const auto leave_by = std::chrono::steady_clock::now() + kLeaveGrace;
  for (;;) {
    if (stopping_) co_return std::unexpected(stopping_error());
    if (leaving_ > 0 && co_await changed->wait_until(leave_by)) continue;
    memory::MachineState machine = planner_.machine();
    // Its adapters may come to lie beside it.
    const Bytes adapters = adapter_bytes(model.id, directory_);
    machine.available -= adapters;
    machine.limit -= adapters;
    const RoomPlan room = room_for(model, machine);
    switch (room.kind) {
      case RoomPlan::Kind::kFits:
        co_return room.plan;
      case RoomPlan::Kind::kEvict:
        if (lingers(room.victims)) {
          wait_for_room(model.id);
          co_await changed->wait_until(std::chrono::steady_clock::now() + kLinger);
          break;
        }
        for (const std::string& victim : room.victims) co_await residents_.unload(victim);
        break;
      case RoomPlan::Kind::kWait:
        wait_for_room(model.id);
        co_await changed->wait();
        break;
      case RoomPlan::Kind::kNever:
        resident.refused = true;
        co_return std::unexpected(no_room(model, room.plan, machine, residents_.pins()));
    }
  }
}

asio::awaitable<Result<ipc::Loaded>> ModelLoader::load_into_worker(Resident& resident, const memory::Plan& plan) {
  resident.planned = plan.check.needed + adapter_bytes(resident.model.id, directory_);
  resident.measured = {};
  resident.mapped = planner_.mapped_part(resident.model, plan.memory);
  resident.cache_type = memory::format_of(plan.settings.cache).name;
  const memory::CacheType wished = memory::find_cache_type(engine_.cache_type).value_or(memory::CacheType::kF16);
  resident.reduced = reduction_words(plan, planner_.wished_context(resident.model), wished);
  if (const std::string fewer = fewer_experts(resident.model, engine_.experts_used); !fewer.empty()) {
    resident.reduced += (resident.reduced.empty() ? "" : ", ") + fewer;
  }
  if (!resident.reduced.empty()) spdlog::warn("{} gets {}, as {}", resident.model.id, resident.reduced, plan.check.reason);
  Result<std::shared_ptr<WorkerLink>> taken = co_await workers_.take();
  if (!taken) co_return std::unexpected(std::move(taken).error());
  resident.worker = std::move(*taken);
  spdlog::info("loading {} in worker {}", resident.model.id, resident.worker->process().pid);
  co_return co_await resident.worker->load(settings_for(resident.model, plan), std::chrono::seconds(engine_.load_timeout_s));
}

ipc::LoadModel ModelLoader::settings_for(const InstalledModel& model, const memory::Plan& plan) const {
  return {.model_id = model.id,
          .path = model.path,
          .context_tokens = plan.settings.context_tokens,
          .max_sequences = static_cast<std::uint32_t>(engine_.parallel),
          .batch_tokens = static_cast<std::uint32_t>(engine_.batch_tokens),
          .threads = engine_.threads,
          .batch_threads = engine_.threads,
          .gpu_layers = engine_.gpu_layers,
          .cache_type = std::string(memory::format_of(plan.settings.cache).name),
          .architecture = model.architecture,
          .experts_used = other_expert_count(model, engine_.experts_used),
          .state_folder = cache_.folder,
          .state_bytes = kept_conversations_bytes(cache_),
          .speculation = engine_.speculation != "off",
          .projector = model.projector};
}

void ModelLoader::succeeded(Resident& resident, ipc::Loaded loaded) {
  spdlog::info("loaded {} in {} ms: context {}, {} threads, template: {}", resident.model.id, loaded.load_us / 1000, loaded.context_tokens,
               loaded.threads, loaded.chat_template_source);
  ledger_.note(resident.model.fingerprint, store::MeasurementKind::kLoadMs, "", 0, static_cast<double>(loaded.load_us) / 1000);
  resident.loaded = std::move(loaded);
  resident.state = ModelState::kReady;
  resident.failure.reset();
  resident.promise_all();
  const WorkerLink* worker = resident.worker.get();
  resident.worker->on_end([this, &resident, worker] { worker_ended(resident, worker); });
  if (!worker->alive()) worker_ended(resident, worker);
}

void ModelLoader::failed(Resident& resident, Error error) {
  spdlog::error("loading {}: {}", resident.model.id, error.text());
  resident.state = ModelState::kFailed;
  resident.failure = std::move(error);
  if (!resident.refused) resident.backoff.failed(residents_.now());
}

void ModelLoader::worker_ended(Resident& resident, const WorkerLink* worker) {
  if (resident.worker.get() != worker) return;
  ++workers_lost_;
  resident.backoff.stumbled(residents_.now());
  const bool again = resident.backoff.waits(residents_.now());
  resident.state = again ? ModelState::kFailed : ModelState::kUnloaded;
  if (again) {
    resident.failure =
        Error{ErrorCode::kWorkerLost,
              std::format("the model's process was lost {} times in a row: {}", resident.backoff.failures(), worker->end_reason()),
              "send the request again later, or choose another model", ""};
  }
  resident.wanted = true;
  asio::co_spawn(executor_, await_gone(std::exchange(resident.worker, nullptr)), asio::detached);
  residents_.notify();
}

asio::awaitable<void> ModelLoader::await_gone(std::shared_ptr<WorkerLink> worker) {
  ++leaving_;
  co_await worker->gone();
  --leaving_;
  residents_.notify();
}

void ModelLoader::stop() {
  stopping_ = true;
  residents_.notify();
}

}  // namespace pensieve
