#include "engine/scheduler.h"

#include <algorithm>
#include <utility>

namespace pensieve::engine {
namespace {

constexpr int kMaxPassedOver = 16;
constexpr double kInterTokenFloorNs = 50e6;
constexpr double kInterTokenFactor = 1.5;
// A step that only reads prompts: long enough to be efficient, short enough that requests join and
// leave soon.
constexpr double kPrefillStepNs = 300e6;
constexpr std::int32_t kSmallestPrefillStep = 64;
constexpr std::int32_t kSmallestChunk = 16;
// A shared prefix shorter than this is read again rather than copied or kept.
constexpr std::int32_t kWorthSharing = 16;

double smoothed(double old, double sample) { return old == 0 ? sample : 0.8 * old + 0.2 * sample; }

std::int32_t common_prefix(const std::vector<Token>& a, const std::vector<Token>& b) {
  return static_cast<std::int32_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

struct Scheduler::Run {
  Job job;
  Sampler sampler;
  TextStream text;
  std::vector<Token> tokens;   // prompt and what was sampled
  std::int32_t slot = -1;
  std::int32_t done = 0;       // tokens that the slot holds
  bool paused = false;
  bool started = false;
  int passed_over = 0;
  std::uint64_t order = 0;     // of submission
  Usage usage;
  SteadyTime first_step;
  SteadyTime first_token;
  std::vector<TokenLogprobs> logprobs;  // of tokens whose text is held back
  std::int32_t unreported = 0;          // tokens sampled since the last delta

  explicit Run(Job j)
      : job(std::move(j)), sampler(job.sampling), text(job.stop), tokens(job.prompt) {
    usage.prompt_tokens = std::ssize(tokens);
    for (const Token token : tokens) sampler.accept(token);
  }
  [[nodiscard]] std::int32_t remaining() const {
    return static_cast<std::int32_t>(std::ssize(tokens)) - done;
  }
  [[nodiscard]] bool decoding() const { return remaining() == 1 && usage.completion_tokens > 0; }
};

struct Scheduler::Slot {
  std::vector<Token> tokens;
  bool busy = false;
  std::uint64_t last_use = 0;
};

struct Scheduler::BatchPlan {
  struct Result {
    Run* run;
    std::int32_t index;
  };
  std::vector<BatchToken> batch;
  std::vector<Result> results;               // whose logits are where
  std::vector<std::pair<Run*, std::int32_t>> shares;  // tokens of each run
  std::size_t decoding = 0;
};

Scheduler::Scheduler(BatchModel& model, const Clock& clock, std::int32_t parallel, Emit emit)
    : model_(model),
      clock_(clock),
      parallel_(std::min(parallel, model.sequences())),
      emit_(std::move(emit)),
      slots_(static_cast<std::size_t>(model.sequences())) {}

Scheduler::~Scheduler() = default;

std::uint32_t Scheduler::active() const { return static_cast<std::uint32_t>(running_.size()); }
std::uint32_t Scheduler::waiting() const { return static_cast<std::uint32_t>(waiting_.size()); }

void Scheduler::submit(Job job) {
  auto run = std::make_unique<Run>(std::move(job));
  run->order = ++use_counter_;
  waiting_.push_back(std::move(run));
}

void Scheduler::cancel(ipc::StreamId stream) {
  const auto is_it = [&](const auto& run) { return run->job.stream == stream; };
  std::erase_if(waiting_, is_it);
  for (const auto& run : running_) {
    if (is_it(run)) release(*run);
  }
  std::erase_if(running_, is_it);
}

void Scheduler::pause(ipc::StreamId stream, bool paused) {
  for (auto* runs : {&waiting_, &running_}) {
    for (const auto& run : *runs) {
      if (run->job.stream == stream) run->paused = paused;
    }
  }
}

bool Scheduler::step() {
  admit();
  BatchPlan plan = plan_batch();
  if (plan.batch.empty()) return false;
  const SteadyTime begin = clock_.steady_now();
  for (const auto& [run, count] : plan.shares) {
    if (run->first_step == SteadyTime{}) run->first_step = begin;
  }
  const DecodeStatus status = model_.decode(plan.batch);
  if (status != DecodeStatus::kOk) {
    if (status == DecodeStatus::kFailed || !make_room(model_.context_tokens(), nullptr)) {
      decode_failed(plan);
    }
    return true;
  }
  learn(plan, clock_.steady_now() - begin);
  for (const auto& [run, count] : plan.shares) {
    Slot& slot = slots_[static_cast<std::size_t>(run->slot)];
    slot.tokens.insert(slot.tokens.end(), run->tokens.begin() + run->done,
                       run->tokens.begin() + run->done + count);
    run->done += count;
  }
  for (const auto& [run, index] : plan.results) take_result(*run, model_.logits(index));
  std::erase_if(running_, [](const auto& run) { return run->slot < 0; });
  return true;
}

// Requests join in order of arrival while there are places.
void Scheduler::admit() {
  while (!waiting_.empty() && std::ssize(running_) < parallel_) {
    if (!admit_one(waiting_.front())) return;
    waiting_.erase(waiting_.begin());
  }
}

bool Scheduler::admit_one(std::unique_ptr<Run>& run) {
  // Room for the whole prompt and a first token beside what runs; a lone request always has it.
  std::int32_t running_cells = 0;
  for (const auto& other : running_) running_cells += static_cast<std::int32_t>(std::ssize(other->tokens));
  const auto needed = static_cast<std::int32_t>(std::ssize(run->tokens)) + 1;
  if (!running_.empty() && running_cells + needed > model_.context_tokens()) return false;

  std::int32_t shared = 0;
  run->slot = choose_slot(*run, shared);
  Slot& slot = slots_[static_cast<std::size_t>(run->slot)];
  slot.busy = true;
  run->done = shared;
  if (!run->started) {
    run->started = true;
    run->usage.cached_prompt_tokens = shared;
    emit_(run->job.stream, Started{run->usage});
    if (!run->job.echo.empty()) emit_(run->job.stream, Delta{.text = run->job.echo});
    if (run->job.max_tokens <= 0) {
      run->first_step = run->first_token = clock_.steady_now();
      finish(*run, StopReason::kMaxTokens);
      return true;
    }
  }
  running_.push_back(std::move(run));
  return true;
}

// Picks the sequence to run in and prepares it to hold exactly the first `shared` tokens.
std::int32_t Scheduler::choose_slot(const Run& run, std::int32_t& shared) {
  const auto limit = static_cast<std::int32_t>(std::ssize(run.tokens)) - 1;  // one to decode
  std::int32_t source = -1;
  std::int32_t best = 0;
  std::int32_t victim = -1;
  for (std::int32_t i = 0; i < std::ssize(slots_); ++i) {
    const Slot& slot = slots_[static_cast<std::size_t>(i)];
    const std::int32_t common = std::min(common_prefix(slot.tokens, run.tokens), limit);
    const bool better = common > best || (common == best && source >= 0 && !slot.busy &&
                                          slots_[static_cast<std::size_t>(source)].busy);
    if (common >= kWorthSharing && better) {
      source = i;
      best = common;
    }
  }
  const auto rank = [&](std::int32_t i) {
    const Slot& slot = slots_[static_cast<std::size_t>(i)];
    return std::pair(!slot.tokens.empty(), slot.last_use);
  };
  for (std::int32_t i = 0; i < std::ssize(slots_); ++i) {
    if (slots_[static_cast<std::size_t>(i)].busy || i == source) continue;
    if (victim < 0 || rank(i) < rank(victim)) victim = i;
  }
  const auto slot_of = [&](std::int32_t i) -> Slot& { return slots_[static_cast<std::size_t>(i)]; };
  const bool source_idle = source >= 0 && !slot_of(source).busy;
  const bool continues = source_idle && std::ssize(slot_of(source).tokens) <= best + 1;
  if (source >= 0 && !continues && victim >= 0) {
    Slot& target = slot_of(victim);
    model_.truncate(victim, 0);
    target.tokens.clear();
    if (model_.copy_prefix(source, victim, best)) {
      target.tokens.assign(run.tokens.begin(), run.tokens.begin() + best);
      shared = best;
      return victim;
    }
  }
  const std::int32_t chosen = source_idle ? source : victim;
  const std::int32_t keep = source_idle ? best : 0;
  Slot& slot = slot_of(chosen);
  shared = model_.truncate(chosen, keep) ? keep : 0;
  slot.tokens.resize(static_cast<std::size_t>(shared));
  return chosen;
}

Scheduler::BatchPlan Scheduler::plan_batch() {
  for (;;) {
    BatchPlan plan;
    for (const auto& run : running_) {
      if (run->paused || !run->decoding()) continue;
      plan.results.push_back({run.get(), static_cast<std::int32_t>(std::ssize(plan.batch))});
      plan.batch.push_back({run->tokens.back(), run->done, run->slot, true});
      plan.shares.emplace_back(run.get(), 1);
    }
    plan.decoding = plan.batch.size();
    add_prefill(plan, prefill_budget(plan.decoding));
    if (plan.batch.empty()) return plan;
    const Run* oldest = std::ranges::min_element(running_, {}, &Run::order)->get();
    if (make_room(static_cast<std::int32_t>(std::ssize(plan.batch)), oldest)) return plan;
    // Somebody was sent back to the queue: plan again without them.
  }
}

std::int32_t Scheduler::prefill_budget(std::size_t decoding) const {
  const auto most = model_.batch_tokens() - static_cast<std::int32_t>(decoding);
  if (prefill_token_ns_ == 0) return most;
  if (decoding == 0) {
    const double chunk = std::min(kPrefillStepNs / prefill_token_ns_, static_cast<double>(most));
    return std::clamp(static_cast<std::int32_t>(chunk), std::min(kSmallestPrefillStep, most), most);
  }
  if (decode_step_ns_ == 0) return most;
  const double target = std::max(kInterTokenFactor * decode_step_ns_, kInterTokenFloorNs);
  const double chunk =
      std::min((target - decode_step_ns_) / prefill_token_ns_, static_cast<double>(most));
  return std::clamp(static_cast<std::int32_t>(chunk), std::min(kSmallestChunk, most), most);
}

void Scheduler::add_prefill(BatchPlan& plan, std::int32_t budget) {
  std::vector<Run*> reading;
  for (const auto& run : running_) {
    if (!run->paused && !run->decoding()) reading.push_back(run.get());
  }
  std::ranges::sort(reading, {}, [](const Run* run) {
    const bool due = run->passed_over >= kMaxPassedOver;
    return std::tuple(!due, due ? 0 : run->remaining(), run->order);
  });
  for (Run* run : reading) {
    const std::int32_t count = std::min(budget, run->remaining());
    if (count <= 0) {
      ++run->passed_over;
      continue;
    }
    run->passed_over = 0;
    for (std::int32_t i = 0; i < count; ++i) {
      const bool last = run->done + i + 1 == std::ssize(run->tokens);
      if (last) plan.results.push_back({run, static_cast<std::int32_t>(std::ssize(plan.batch))});
      plan.batch.push_back(
          {run->tokens[static_cast<std::size_t>(run->done + i)], run->done + i, run->slot, last});
    }
    plan.shares.emplace_back(run, count);
    budget -= count;
  }
}

// Cells as if nothing were shared: never less than what the model counts.
std::int32_t Scheduler::cells_used() const {
  std::int32_t used = 0;
  for (const Slot& slot : slots_) used += static_cast<std::int32_t>(std::ssize(slot.tokens));
  return used;
}

// Frees cells until `tokens` more fit: idle sequences first. If running requests alone are too
// many, sends the youngest back to the queue and returns false: the plan is void.
bool Scheduler::make_room(std::int32_t tokens, const Run* keep) {
  bool forgot = false;
  while (cells_used() + tokens > model_.context_tokens()) {
    std::int32_t victim = -1;
    for (std::int32_t i = 0; i < std::ssize(slots_); ++i) {
      const Slot& slot = slots_[static_cast<std::size_t>(i)];
      if (slot.busy || slot.tokens.empty()) continue;
      if (victim < 0 || slot.last_use < slots_[static_cast<std::size_t>(victim)].last_use) victim = i;
    }
    if (victim < 0) {
      if (keep == nullptr) return forgot;
      requeue_youngest(keep);
      return false;
    }
    model_.truncate(victim, 0);
    slots_[static_cast<std::size_t>(victim)].tokens.clear();
    forgot = true;
  }
  return true;
}

void Scheduler::requeue_youngest(const Run* keep) {
  const auto youngest = std::ranges::max_element(running_, {}, &Run::order);
  if (youngest->get() == keep) {
    // Alone and out of cells: its own context is full.
    finish(**youngest, StopReason::kContextFull);
    running_.erase(youngest);
    return;
  }
  const std::int32_t slot = (*youngest)->slot;
  release(**youngest);
  model_.truncate(slot, 0);
  slots_[static_cast<std::size_t>(slot)].tokens.clear();
  (*youngest)->done = 0;
  waiting_.insert(waiting_.begin(), std::move(*youngest));
  running_.erase(youngest);
}

void Scheduler::decode_failed(const BatchPlan& plan) {
  for (const auto& [run, count] : plan.shares) {
    const std::int32_t slot = run->slot;
    emit_(run->job.stream,
          Failed{{ErrorCode::kInternal, "the engine could not decode a batch",
                  "try again; if it happens again, restart the server and look into its log", ""}});
    release(*run);
    model_.truncate(slot, 0);
    slots_[static_cast<std::size_t>(slot)].tokens.clear();
  }
  std::erase_if(running_, [](const auto& run) { return run->slot < 0; });
}

void Scheduler::take_result(Run& run, std::span<const float> logits) {
  const Token token = run.sampler.sample(logits);
  if (run.usage.completion_tokens == 0) run.first_token = clock_.steady_now();
  if (model_.is_end_of_generation(token)) {
    ++run.usage.completion_tokens;
    finish(run, StopReason::kEndOfTurn);
    return;
  }
  ++run.usage.completion_tokens;
  ++run.unreported;
  run.tokens.push_back(token);
  const std::string piece = model_.piece(token);
  if (run.job.top_logprobs >= 0) {
    TokenLogprobs entry = log_probabilities(logits, token, run.job.top_logprobs);
    entry.sampled.bytes = piece;
    for (TokenLogprob& other : entry.top) other.bytes = model_.piece(other.token);
    run.logprobs.push_back(std::move(entry));
  }
  std::string text = run.text.push(piece);
  if (!text.empty()) {
    emit_(run.job.stream, Delta{.text = std::move(text),
                                .reasoning = {},
                                .tokens = std::exchange(run.unreported, 0),
                                .logprobs = std::exchange(run.logprobs, {})});
  }
  if (run.text.stopped_by()) return finish(run, StopReason::kStopSequence);
  if (run.usage.completion_tokens >= run.job.max_tokens) return finish(run, StopReason::kMaxTokens);
  if (std::ssize(run.tokens) >= model_.context_tokens()) finish(run, StopReason::kContextFull);
}

void Scheduler::finish(Run& run, StopReason reason) {
  std::string rest = run.text.finish();
  if (!rest.empty() || !run.logprobs.empty()) {
    emit_(run.job.stream, Delta{.text = std::move(rest),
                                .reasoning = {},
                                .tokens = std::exchange(run.unreported, 0),
                                .logprobs = std::exchange(run.logprobs, {})});
  }
  const auto micros = [](auto duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  };
  Finished finished{.reason = reason, .stop_sequence = {}, .usage = run.usage, .timings = {}};
  if (reason == StopReason::kStopSequence) finished.stop_sequence = *run.text.stopped_by();
  finished.timings = {.queue_us = micros(run.first_step - run.job.submitted),
                      .prefill_us = micros(run.first_token - run.first_step),
                      .decode_us = micros(clock_.steady_now() - run.first_token)};
  emit_(run.job.stream, std::move(finished));
  release(run);
}

// Gives the slot back; its tokens stay for the next request with the same prefix.
void Scheduler::release(Run& run) {
  if (run.slot < 0) return;
  Slot& slot = slots_[static_cast<std::size_t>(run.slot)];
  slot.busy = false;
  slot.last_use = ++use_counter_;
  run.slot = -1;
}

void Scheduler::learn(const BatchPlan& plan, std::chrono::nanoseconds elapsed) {
  const auto cost = static_cast<double>(elapsed.count());
  const auto prefill = static_cast<double>(plan.batch.size() - plan.decoding);
  if (prefill == 0) {
    decode_step_ns_ = smoothed(decode_step_ns_, cost);
  } else if (prefill >= kSmallestChunk) {
    const double rest = plan.decoding > 0 ? std::max(cost - decode_step_ns_, cost * 0.1) : cost;
    prefill_token_ns_ = smoothed(prefill_token_ns_, rest / prefill);
  }
}

}  // namespace pensieve::engine
