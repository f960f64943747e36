#include "engine/local_engine.h"

#include <algorithm>
#include <future>
#include <random>
#include <utility>

#include "base/log.h"
#include "engine/cores.h"
#include "engine/scheduler.h"

namespace pensieve::engine {
namespace {

std::int64_t microseconds(SteadyTime time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

}  // namespace

LocalEngine::LocalEngine(EngineParts parts, EventSink sink) : parts_(std::move(parts)), sink_(std::move(sink)) {}

Result<std::unique_ptr<LocalEngine>> LocalEngine::start(EngineParts parts, EventSink sink) {
  std::unique_ptr<LocalEngine> engine(new LocalEngine(std::move(parts), std::move(sink)));
  std::promise<bool> warm;
  auto is_warm = warm.get_future();
  engine->runner_ = std::thread([raw = engine.get(), warm = std::move(warm)]() mutable {
    const bool works = raw->parts_.model->warm_up();
    warm.set_value(works);
    if (works) raw->run_steps();
  });
  engine->preparer_ = std::thread([raw = engine.get()] { raw->prepare_prompts(); });
  if (!is_warm.get()) {
    return fail(ErrorCode::kInternal, "the model was loaded but can't compute", "the log has the engine's reason");
  }
  engine->parts_.facts.load_us = microseconds(engine->clock_.steady_now()) - microseconds(engine->parts_.load_began);
  return engine;
}

LocalEngine::~LocalEngine() {
  submissions_.close();
  prepared_.close();
  embeddings_.close();
  parts_.model->abort();
  if (parts_.embeddings) parts_.embeddings->abort();
  if (preparer_.joinable()) preparer_.join();
  if (runner_.joinable()) runner_.join();
}

void LocalEngine::submit(ipc::StreamId stream, GenerationRequest request) {
  forget_ended();
  auto control = std::make_shared<StreamControl>();
  controls_[stream] = control;
  ++preparing_;
  submissions_.post({stream, std::move(control), clock_.steady_now(), std::move(request)});
}

void LocalEngine::cancel(ipc::StreamId stream) {
  if (const auto control = control_of(stream)) {
    control->cancelled = true;
    prepared_.wake();
  }
}

void LocalEngine::pause(ipc::StreamId stream, bool paused) {
  if (const auto control = control_of(stream)) {
    control->paused = paused;
    prepared_.wake();
  }
}

void LocalEngine::throttle(const ipc::Throttle& throttle) {
  const std::scoped_lock lock(throttle_mutex_);
  throttle_ = throttle;
  throttle_changed_ = true;
}

// The engine thread.
void LocalEngine::apply_throttle(Scheduler& scheduler) {
  if (!throttle_changed_.exchange(false)) return;
  const std::scoped_lock lock(throttle_mutex_);
  most_threads_ = throttle_.threads;
  most_batch_threads_ = throttle_.batch_threads;
  set_threads();
  scheduler.throttle(throttle_.batch_tokens, throttle_.max_active);
  pause_percent_ = throttle_.pause_percent;
}

void LocalEngine::set_threads() {
  const auto within = [this](std::int32_t most) {
    return free_cores_ == 0 || most == 0 ? std::max(free_cores_, most) : std::min(free_cores_, most);
  };
  parts_.model->set_threads(within(most_threads_), within(most_batch_threads_));
}

// The engine thread, before a step.
void LocalEngine::follow_machine(ThreadGovernor& governor, SteadyTime now) {
  if (!parts_.cpu_time_of_others || !governor.due(now)) return;
  if (const auto others = parts_.cpu_time_of_others()) governor.record(now, *others);
  if (governor.threads() == free_cores_) return;
  free_cores_ = governor.threads();
  spdlog::debug("computing with {} threads beside other processes", free_cores_);
  set_threads();
}

// A rest after each step spreads the heat evenly; one long rest now and then would stop the stream.
void LocalEngine::rest(SteadyTime::duration step) const {
  constexpr SteadyTime::duration kLongest = std::chrono::milliseconds(250);
  if (pause_percent_ > 0) std::this_thread::sleep_for(std::min(step * std::min(pause_percent_, 400) / 100, kLongest));
}

Result<std::int64_t> LocalEngine::count_tokens(const GenerationRequest& request) const {
  return static_cast<std::int64_t>(TRY(parts_.prompts.build(request, true)).tokens.size());
}

void LocalEngine::embed(EmbeddingRequest request, EmbeddingDone done) {
  if (!parts_.embeddings) return done(fail(ErrorCode::kUnsupported, "this model gives no embeddings", "use an embedding model", "model"));
  embeddings_.post({std::move(request), std::move(done)});
  prepared_.wake();
}

EngineProgress LocalEngine::progress() const {
  // Asked for about once a second: often enough to see that an adapter's file is gone.
  if (parts_.model->drop_outdated_adapters()) prepared_.wake();
  EngineProgress progress{steps_, 0, active_, waiting_ + preparing_};
  if (const std::int64_t began = step_began_us_; began != 0) {
    progress.step_age_us = std::max<std::int64_t>(1, microseconds(clock_.steady_now()) - began);
  }
  return progress;
}

std::shared_ptr<StreamControl> LocalEngine::control_of(ipc::StreamId stream) const {
  const auto found = controls_.find(stream);
  return found == controls_.end() ? nullptr : found->second.lock();
}

// Entries of ended streams are dropped whenever their number may have doubled.
void LocalEngine::forget_ended() {
  if (controls_.size() < forget_at_) return;
  std::erase_if(controls_, [](const auto& entry) { return entry.second.expired(); });
  forget_at_ = std::max<std::size_t>(64, 2 * controls_.size());
}

void LocalEngine::prepare_prompts() {
  std::vector<Submission> mail;
  while (submissions_.take(mail, true)) {
    for (Submission& submission : mail) {
      Result<Prompt> prompt = fail(ErrorCode::kCancelled, "cancelled");
      if (!submission.control->cancelled) prompt = parts_.prompts.prepare(submission.request);
      Result<AdapterSetPointer> adapters = AdapterSetPointer();
      if (prompt) adapters = parts_.model->load_adapters(submission.request.adapters);
      if (!adapters) prompt = std::unexpected(adapters.error());
      submission.request.messages.clear();
      submission.request.prompt.clear();
      submission.request.prompt_tokens.clear();
      prepared_.post({submission.stream, std::move(submission.control), submission.arrived, std::move(submission.request),
                      std::move(prompt), adapters ? *std::move(adapters) : nullptr});
      --preparing_;
    }
  }
}

struct LocalEngine::Run {
  Scheduler& scheduler;
  ThreadGovernor governor;
  std::vector<PreparedRequest> mail;
  bool busy = false;
};

void LocalEngine::run_steps() {
  std::random_device seeds;
  Scheduler scheduler(
      *parts_.model, *parts_.vocabulary, clock_, sink_, [&seeds] { return static_cast<std::uint32_t>(seeds()); }, parts_.archive.get(),
      parts_.speculation);
  Run run{.scheduler = scheduler,
          .governor = ThreadGovernor(std::max(parts_.facts.threads, parts_.facts.batch_threads), shared_cores()),
          .mail = {}};
  while (turn(run, !run.busy)) compute_embeddings(run);
  scheduler.save_all();
}

// Takes what has come and makes a step; with `wait` not before something has come. False: the engine ends.
bool LocalEngine::turn(Run& run, bool wait) {
  if (!prepared_.take(run.mail, wait)) return false;
  for (PreparedRequest& request : run.mail) run.scheduler.add(std::move(request));
  apply_throttle(run.scheduler);
  const SteadyTime begin = clock_.steady_now();
  step_began_us_ = microseconds(begin);
  follow_machine(run.governor, begin);
  run.busy = run.scheduler.step();
  step_began_us_ = 0;
  if (run.busy) {
    rest(clock_.steady_now() - begin);
    ++steps_;
  } else {
    parts_.model->release_adapters();
    run.governor.restart();
  }
  active_ = static_cast<std::uint32_t>(run.scheduler.active());
  waiting_ = static_cast<std::uint32_t>(run.scheduler.waiting());
  return true;
}

// Until none is left: the streams' turns take the wake-ups of those that come meanwhile.
void LocalEngine::compute_embeddings(Run& run) {
  std::vector<EmbeddingSubmission> mail;
  const TakeTurns others = [&] { return turn(run, false) && run.busy; };
  while (embeddings_.take(mail, false) && !mail.empty()) {
    for (EmbeddingSubmission& submission : mail) submission.done(embed_guarded(*parts_.embeddings, submission.request, others));
  }
}

}  // namespace pensieve::engine
