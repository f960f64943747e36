#include "engine/local_engine.h"

#include <future>
#include <random>
#include <utility>

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
  parts_.model->abort();
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

Result<std::int64_t> LocalEngine::count_tokens(const GenerationRequest& request) const {
  return static_cast<std::int64_t>(TRY(parts_.prompts.build(request)).tokens.size());
}

EngineProgress LocalEngine::progress() const {
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
      submission.request.messages.clear();
      submission.request.prompt.clear();
      submission.request.prompt_tokens.clear();
      prepared_.post(
          {submission.stream, std::move(submission.control), submission.arrived, std::move(submission.request), std::move(prompt)});
      --preparing_;
    }
  }
}

void LocalEngine::run_steps() {
  std::random_device seeds;
  Scheduler scheduler(*parts_.model, *parts_.vocabulary, clock_, sink_, [&seeds] { return static_cast<std::uint32_t>(seeds()); },
                      parts_.archive.get());
  std::vector<PreparedRequest> mail;
  bool busy = false;
  while (prepared_.take(mail, !busy)) {
    for (PreparedRequest& request : mail) scheduler.add(std::move(request));
    step_began_us_ = microseconds(clock_.steady_now());
    busy = scheduler.step();
    step_began_us_ = 0;
    if (busy) ++steps_;
    active_ = static_cast<std::uint32_t>(scheduler.active());
    waiting_ = static_cast<std::uint32_t>(scheduler.waiting());
  }
  scheduler.save_all();
}

}  // namespace pensieve::engine
