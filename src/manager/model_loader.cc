#include "manager/model_loader.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <format>
#include <utility>

#include "base/log.h"

namespace pensieve {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kRetryAfterFailure{10};

Error no_room(const InstalledModel& model, const memory::Plan& plan, const memory::MachineState& machine) {
  return {
      ErrorCode::kOutOfMemory,
      std::format("'{}' needs about {} ({} of it beside the weights, for a context of {} tokens with a {} cache), but models may take {} "
                  "and {} of memory are available, of which {} stay free",
                  model.id, to_text(plan.check.needed), to_text(plan.check.needed - plan.memory.weights), plan.settings.context_tokens,
                  memory::format_of(plan.settings.cache).name, to_text(machine.limit), to_text(machine.available), to_text(machine.margin)),
      "choose a smaller model, lower engine.context_tokens, or close other programs", ""};
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
      directory_(dependencies.directory),
      planner_(dependencies.planner),
      ledger_(dependencies.ledger),
      residents_(dependencies.residents),
      workers_(dependencies.workers) {}

bool ModelLoader::failed_lately(const Resident& resident) const {
  return resident.state == ModelState::kFailed && residents_.now() - resident.failed_at < kRetryAfterFailure;
}

Result<void> ModelLoader::begin(const std::string& id) {
  Resident& resident = *residents_.entry(id);
  const bool startable = resident.state == ModelState::kUnloaded || resident.state == ModelState::kFailed;
  if (!startable || !loading_.empty() || stopping_) return {};
  resident.model = TRY(installed_model(directory_, id));
  resident.state = ModelState::kLoading;
  loading_ = id;
  // Posted: co_spawn alone would run up to the first wait, and a load that fails at once would notify
  // before its caller waits.
  asio::post(executor_, [this, id] { asio::co_spawn(executor_, load(id), asio::detached); });
  return {};
}

asio::awaitable<void> ModelLoader::load(std::string id) {
  Resident& resident = *residents_.entry(id);
  std::shared_ptr<WorkerLink> worker;
  const Result<memory::Plan> room = co_await make_room(resident.model);
  if (wants_room_ == id) wants_room_.clear();
  Result<ipc::Loaded> loaded = std::unexpected(room ? Error{} : room.error());
  if (room) loaded = co_await load_into_worker(resident, *room, worker);
  loading_.clear();
  resident.last_use = residents_.now();
  if (loaded) {
    succeeded(resident, std::move(*loaded));
  } else {
    failed(resident, std::move(loaded).error());
    residents_.notify();
    if (worker) co_await worker->stop();
  }
  residents_.notify();
  workers_.ensure_spare();
}

asio::awaitable<Result<memory::Plan>> ModelLoader::make_room(const InstalledModel& model) {
  const auto plan_in = [&](const memory::MachineState& machine) { return planner_.plan(model, machine); };
  for (;;) {
    if (stopping_) co_return std::unexpected(stopping_error());
    const memory::MachineState machine = planner_.machine();
    const RoomPlan room = plan_room(plan_in, residents_.loaded_models(), machine, residents_.now());
    switch (room.kind) {
      case RoomPlan::Kind::kFits:
        co_return room.plan;
      case RoomPlan::Kind::kEvict:
        for (const std::string& victim : room.victims) co_await residents_.unload(victim);
        break;
      case RoomPlan::Kind::kWait:
        wants_room_ = model.id;
        co_await residents_.changed()->wait();
        break;
      case RoomPlan::Kind::kNever:
        co_return std::unexpected(no_room(model, room.plan, machine));
    }
  }
}

asio::awaitable<Result<ipc::Loaded>> ModelLoader::load_into_worker(Resident& resident, const memory::Plan& plan,
                                                                   std::shared_ptr<WorkerLink>& worker) {
  resident.planned = plan.check.needed;
  resident.measured = {};
  resident.mapped = planner_.mapped_part(resident.model, plan.memory);
  resident.cache_type = memory::format_of(plan.settings.cache).name;
  const memory::CacheType wished = memory::find_cache_type(engine_.cache_type).value_or(memory::CacheType::kF16);
  resident.reduced = reduction_words(plan, planner_.wished_context(resident.model), wished);
  if (!resident.reduced.empty()) spdlog::warn("{} gets {}, as {}", resident.model.id, resident.reduced, plan.check.reason);
  Result<std::shared_ptr<WorkerLink>> taken = co_await workers_.take();
  if (!taken) co_return std::unexpected(std::move(taken).error());
  worker = resident.worker = std::move(*taken);
  spdlog::info("loading {} in worker {}", resident.model.id, worker->process().pid);
  co_return co_await worker->load(settings_for(resident.model, plan), std::chrono::seconds(engine_.load_timeout_s));
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
          .cache_type = std::string(memory::format_of(plan.settings.cache).name)};
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
  resident.failed_at = residents_.now();
  resident.worker.reset();
}

void ModelLoader::worker_ended(Resident& resident, const WorkerLink* worker) {
  if (resident.worker.get() != worker) return;
  ++workers_lost_;
  resident.worker.reset();
  if (resident.state == ModelState::kReady) resident.state = ModelState::kUnloaded;
  residents_.notify();
}

void ModelLoader::stop() {
  stopping_ = true;
  residents_.notify();
}

}  // namespace pensieve
