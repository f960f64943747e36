#include "engine/scheduler.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <utility>

#include "engine/draft_plan.h"
#include "engine/step_plan.h"

namespace pensieve::engine {
namespace {

constexpr std::size_t kMostWaiting = 1024;
constexpr std::size_t kMostOvertaken = 16;
constexpr std::uint32_t kStepsBetweenSaves = 4;
constexpr std::size_t kLongestDraft = 15;
constexpr std::size_t kKeptLogits = 8U << 20U;  // bytes
constexpr std::size_t kRoomToGrow = 32;         // cells kept free for each running request's answer

Error too_long(std::size_t tokens, std::size_t most) {
  return {ErrorCode::kContextOverflow, std::format("prompt is too long: {} tokens > {} maximum", tokens, most), {}, "messages"};
}

}  // namespace

const PromptImage* Scheduler::Run::image() const {
  const auto images = generation.images();
  const auto next = std::ranges::find_if(images, [this](const PromptImage& image) { return image.end() > computed; });
  return next == images.end() ? nullptr : &*next;
}

std::size_t Scheduler::Run::pending_with_key() const {
  std::size_t tokens = computed < span.begin ? std::min(pending(), span.begin - computed) : pending();
  if (const PromptImage* next = image()) tokens = std::min(tokens, next->begin - std::min(next->begin, computed));
  return tokens;
}

Scheduler::Scheduler(BatchModel& model, const Vocabulary& vocabulary, const Clock& clock, EventSink sink, SeedSource seeds,
                     StateArchive* archive, bool speculation)
    : model_(model),
      vocabulary_(vocabulary),
      clock_(clock),
      sink_(std::move(sink)),
      seeds_(std::move(seeds)),
      cache_(model, archive),
      kept_(kKeptLogits),
      speculation_(speculation && model.limits().takes_back) {
  throttle(0, 0);
}

void Scheduler::throttle(std::size_t batch_tokens, std::size_t max_active) {
  const auto within = [](std::size_t wanted, std::size_t most) { return wanted > 0 ? std::min(wanted, most) : most; };
  batch_tokens_ = within(batch_tokens, model_.limits().batch_tokens);
  max_active_ = within(max_active, model_.limits().max_active);
}

void Scheduler::add(PreparedRequest prepared) {
  if (prepared.control->cancelled) return;
  const auto refuse = [&](Error error) { sink_(prepared.stream, Failed{std::move(error)}); };
  if (!prepared.prompt) return refuse(prepared.prompt.error());
  const std::size_t tokens = prepared.prompt->tokens.size();
  const std::size_t most = model_.limits().sequence_tokens - 1;
  if (tokens > most) return refuse(too_long(tokens, most));
  if (waiting_.size() >= kMostWaiting) {
    return refuse({ErrorCode::kOverloaded, "too many requests wait for this model", "try again later", {}});
  }
  const bool batch = prepared.request.priority == Priority::kBatch;
  AdapterSetPointer adapters = std::move(prepared.adapters);
  const AdapterSpan span = span_of(adapters, prepared.prompt->tokens);
  enqueue(std::make_unique<Run>(
      Run{.generation = Generation(std::move(prepared), vocabulary_, sink_, seeds_(), model_.limits().sequence_tokens),
          .batch = batch,
          .served = clock_.steady_now(),
          .adapters = std::move(adapters),
          .span = span}));
}

void Scheduler::enqueue(RunPointer run) {
  auto at = waiting_.end();
  while (!run->batch && at != waiting_.begin() && (*std::prev(at))->batch && (*std::prev(at))->overtaken < kMostOvertaken) {
    --at;
    ++(*at)->overtaken;
  }
  waiting_.insert(at, std::move(run));
}

bool Scheduler::step() {
  for (bool has_room = true;;) {
    drop_cancelled();
    admit();
    const bool loaded = load_archived();
    const bool answered = answer_known();
    tidy_cache();
    std::vector<Share> shares = plan();
    Run* const at_image = next_at_image();
    if (shares.empty() && at_image == nullptr) return loaded || answered || cache_.save_ahead(active_.empty());
    const bool reads_image = at_image != nullptr && (shares.empty() || !image_step_);
    if (reads_image) shares = {{at_image, 0}};
    if (!reads_image && speculation_ && has_room) add_drafts(shares);
    switch (reads_image ? decode_image(*at_image) : decode(shares)) {
      case DecodeOutcome::kDone: {
        image_step_ = reads_image;
        if (reads_image) return true;
        const bool plain = std::ranges::all_of(shares, [](const Share& share) { return share.run->pending() == 1; });
        distribute(shares);
        if (plain && ++plain_steps_ % kStepsBetweenSaves == 0) cache_.save_ahead(false);
        return true;
      }
      case DecodeOutcome::kNoSpace:
        // Nobody loses a cell for a guess.
        if (std::ranges::all_of(shares, [](const Share& share) { return share.draft.empty(); })) make_room();
        has_room = false;
        break;
      case DecodeOutcome::kFailed:
        fail_all(shares);
        return true;
      case DecodeOutcome::kAborted:
        return false;
    }
  }
}

void Scheduler::drop_cancelled() {
  std::erase_if(waiting_, [](const RunPointer& run) { return run->generation.cancelled(); });
  std::vector<Run*> cancelled;
  for (const RunPointer& run : active_) {
    if (run->generation.cancelled()) cancelled.push_back(run.get());
  }
  remove(cancelled, true);
}

void Scheduler::admit() {
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    if (active_.size() >= max_active_) return;
    Run& run = **next;
    const bool may_be_known = run.generation.wants_tokens() && !run.generation.scores_prompt();
    run.kept = may_be_known ? kept_.find(run.generation.tokens(), run.span) : nullptr;
    auto place = cache_.find(run.reusable(), run.span);
    if (!place) return;
    if (!has_room(run, *place)) {
      if (run.overtaken++ >= kMostOvertaken) return;
      ++next;
      continue;
    }
    cache_.add_archived(*place, run.reusable(), run.span);
    run.sequence = place->sequence;
    run.computed = cache_.take(*place, run.span);
    run.shared = run.computed == place->cached ? place->shared : 0;
    run.archived.assign(place->archived.begin(), place->archived.end());
    run.overtaken = 0;
    run.served = run.stepped = clock_.steady_now();
    if (run.archived.empty()) run.generation.admit(run.computed);
    const auto at = std::ranges::upper_bound(active_, run.generation.arrived(), {},
                                             [](const RunPointer& other) { return other->generation.arrived(); });
    active_.insert(at, std::move(*next));
    next = waiting_.erase(next);
  }
}

// One piece a step, so that running streams are not held up. True if there was one.
bool Scheduler::load_archived() {
  const auto next = std::ranges::find_if(active_, [](const RunPointer& run) { return !run->archived.empty(); });
  if (next == active_.end()) return false;
  Run& run = **next;
  const std::size_t before = run.computed;
  run.computed = cache_.load(run.sequence, run.archived.front(), run.reusable());
  run.archived.pop_front();
  if (run.computed <= before) run.archived.clear();
  if (run.archived.empty()) run.generation.admit(run.computed);
  return true;
}

// The first token of prompts that the cache holds to their end. True if there were any.
bool Scheduler::answer_known() {
  bool any = false;
  std::vector<Run*> ended;
  for (const RunPointer& run : active_) {
    if (run->pending() > 0 || !run->archived.empty() || run->generation.paused()) continue;
    any = true;
    const SteadyTime now = clock_.steady_now();
    run->generation.begin(now);
    std::vector<float> logits = *std::exchange(run->kept, nullptr);
    if (run->generation.advance(logits, now)) ended.push_back(run.get());
  }
  remove(ended, true);
  return any;
}

bool Scheduler::has_room(const Run& run, const SequenceCache::Place& place) const {
  if (active_.empty()) return true;
  std::size_t cells = run.generation.tokens().size() + kRoomToGrow - place.shared;
  for (const RunPointer& other : active_) {
    cells += other->generation.tokens().size() + kRoomToGrow - other->shared;
  }
  return cells <= model_.limits().cells;
}

std::vector<Scheduler::Share> Scheduler::plan() {
  std::vector<Share> shares;
  std::vector<AdapterCandidate> sets;
  const SteadyTime now = clock_.steady_now();
  for (const RunPointer& run : active_) {
    if (run->generation.paused() || !run->archived.empty() || run->at_image()) continue;
    shares.push_back({run.get(), 0});
    sets.push_back({run->key(), run->stepped});
  }
  if (shares.empty()) return shares;
  // One set of adapters a step.
  const std::uint64_t key = turn_.next(sets, now);
  std::erase_if(shares, [key](const Share& share) { return share.run->key() != key; });
  std::vector<StepCandidate> candidates;
  for (const Share& share : shares) candidates.push_back({share.run->pending_with_key(), now - share.run->served});
  const auto tokens = plan_step(candidates, cost_, batch_tokens_);
  for (std::size_t i = 0; i < shares.size(); ++i) shares[i].tokens = tokens[i];
  limit_rows(shares);
  std::erase_if(shares, [](const Share& share) { return share.tokens == 0; });
  return shares;
}

// Rows of logits are few. Each request may need one; what is left goes to prompts that need one a token.
void Scheduler::limit_rows(std::vector<Share>& shares) const {
  std::size_t spare = output_rows() - shares.size();
  for (Share& share : shares) {
    if (share.tokens == 0 || !share.run->generation.scores_prompt()) continue;
    share.tokens = std::min(share.tokens, spare + 1);
    spare -= share.tokens - 1;
  }
}

// Only to steps without a prompt: a prompt's tokens are certain to be of use, a guess is not.
void Scheduler::add_drafts(std::vector<Share>& shares) {
  const auto decodes = [](const Share& share) { return share.run->pending() == 1 && share.run->generation.wants_tokens(); };
  const bool reading = std::ranges::any_of(active_, [](const RunPointer& run) { return run->pending() > 1 && !run->generation.paused(); });
  if (reading || !std::ranges::all_of(shares, decodes)) return;
  std::vector<Drafter::Draft> drafts;
  std::vector<std::vector<double>> chances;
  for (const Share& share : shares) {
    const auto left = static_cast<std::size_t>(std::max<std::int64_t>(1, share.run->generation.tokens_left()));
    drafts.push_back(share.run->drafter.guess(share.run->generation.tokens(), std::min(kLongestDraft, left - 1)));
    // What would come behind the answer's end is of no use, and an answer has no images.
    const auto end =
        std::ranges::find_if(drafts.back().tokens, [&](Token token) { return token < 0 || vocabulary_.ends_generation(token); });
    chances.push_back(drafts.back().chances);
    chances.back().resize(static_cast<std::size_t>(end - drafts.back().tokens.begin()));
  }
  const SteadyTime now = clock_.steady_now();
  const StepCost::Duration prompt_token = cost_.prefill_time(1);
  const auto lengths = plan_drafts(chances, std::min(batch_tokens_, output_rows()),
                                   [&](std::size_t tokens) { return times_.estimate(tokens, prompt_token, now); });
  for (std::size_t i = 0; i < shares.size(); ++i) {
    drafts[i].tokens.resize(lengths[i]);
    shares[i].draft = std::move(drafts[i].tokens);
  }
}

std::vector<BatchToken> Scheduler::batch_of(std::span<const Share> shares) const {
  std::vector<BatchToken> batch;
  for (const Share& share : shares) {
    const Run& run = *share.run;
    const auto tokens = run.generation.tokens().subspan(run.computed, share.tokens);
    auto position = static_cast<std::int32_t>(run.computed);
    const bool scored = run.generation.scores_prompt();
    for (const Token token : tokens) batch.push_back({token, position++, run.sequence, scored});
    batch.back().wants_logits = share.complete() ? run.generation.wants_tokens() : scored;
    for (const Token token : share.draft) batch.push_back({token, position++, run.sequence, true});
  }
  return batch;
}

DecodeOutcome Scheduler::decode(std::span<const Share> shares) {
  const SteadyTime start = clock_.steady_now();
  for (const Share& share : shares) share.run->generation.begin(start);
  const Run& any = *shares.front().run;
  model_.use_adapters(any.key() == 0 ? nullptr : any.adapters);
  const DecodeOutcome outcome = model_.decode(batch_of(shares));
  if (outcome != DecodeOutcome::kDone) return outcome;

  const SteadyTime end = clock_.steady_now();
  std::size_t decoded = 0;
  std::size_t prefilled = 0;
  for (const Share& share : shares) {
    share.run->stepped = end;
    if (share.run->pending() == 1) {
      decoded += share.rows();
    } else {
      prefilled += share.tokens;
      share.run->served = end;
    }
  }
  cost_.record(decoded, prefilled, end - start);
  if (prefilled == 0) times_.record(decoded, end - start, end);
  return outcome;
}

// The run at an image that has waited longest.
Scheduler::Run* Scheduler::next_at_image() const {
  Run* next = nullptr;
  for (const RunPointer& run : active_) {
    if (run->generation.paused() || !run->archived.empty() || !run->at_image()) continue;
    if (next == nullptr || run->stepped < next->stepped) next = run.get();
  }
  return next;
}

// The image's cells that are not there yet, or as many as a batch takes.
DecodeOutcome Scheduler::decode_image(Run& run) {
  const PromptImage& place = *run.image();
  const std::size_t first = run.computed - place.begin;
  const std::size_t left = place.end() - run.computed;
  const std::size_t count = place.image->whole() ? left : std::min(left, batch_tokens_);
  run.generation.begin(clock_.steady_now());
  model_.use_adapters(run.key() == 0 ? nullptr : run.adapters);
  const DecodeOutcome outcome = model_.decode_image(*place.image, first, count, run.sequence, static_cast<std::int32_t>(run.computed));
  if (outcome != DecodeOutcome::kDone) return outcome;
  cache_.append(run.sequence, run.generation.tokens().subspan(run.computed, count));
  run.computed += count;
  cache_.mark(run.sequence, false);
  run.stepped = run.served = clock_.steady_now();
  return outcome;
}

void Scheduler::distribute(std::span<const Share> shares) {
  const SteadyTime now = clock_.steady_now();
  std::vector<Run*> ended;
  std::size_t next = 0;  // index in the batch of the share's first token
  for (const Share& share : shares) {
    Run& run = *share.run;
    const bool complete = share.complete();
    const bool prompt = run.pending() > 1;
    score(share, next);
    const std::size_t row = std::exchange(next, next + share.rows()) + share.tokens - 1;
    cache_.append(run.sequence, run.generation.tokens().subspan(run.computed, share.tokens));
    if (prompt) cache_.mark(run.sequence, complete);
    run.computed += share.tokens;
    if (!complete) continue;
    if (!run.generation.wants_tokens()) {
      run.generation.end_after_prompt(now);
      ended.push_back(&run);
      continue;
    }
    if (sample(share, row, now)) ended.push_back(&run);
  }
  remove(ended, true);
}

// `first`: index in the batch of the share's first token. What follows the prompt's last token is sampled.
void Scheduler::score(const Share& share, std::size_t first) {
  Run& run = *share.run;
  const std::size_t end = std::min(run.computed + share.tokens, run.generation.tokens().size() - 1);
  for (std::size_t at = run.computed; at < end && run.generation.scores_prompt(); ++at) {
    run.generation.score_prompt(at, model_.logits(first + at - run.computed));
  }
}

// Samples the token behind the share's last, and those behind its guesses for as long as they were right.
// `row`: of the logits of the first. True if the answer has ended.
bool Scheduler::sample(const Share& share, std::size_t row, SteadyTime now) {
  Run& run = *share.run;
  run.kept = nullptr;
  std::span<const Token> guessed = share.draft;
  for (;; ++row) {
    const std::size_t before = run.generation.tokens().size();
    const std::span<float> logits = model_.logits(row);
    if (!run.generation.has_answer()) kept_.keep(run.generation.tokens(), run.span, logits);
    const bool ended = run.generation.advance(logits, now, guessed);
    const auto came = run.generation.tokens().subspan(before);
    const bool right = !guessed.empty() && !came.empty() && came.front() == guessed.front();
    if (right) {
      cache_.append(run.sequence, came);
      ++run.computed;
      guessed = guessed.subspan(1);
    }
    if (!ended && right) continue;
    if (!guessed.empty()) {
      run.computed = cache_.take_back(run.sequence);
      run.shared = std::min(run.shared, run.computed);
    }
    return ended;
  }
}

// Before a step.
void Scheduler::tidy_cache() {
  std::size_t decoded = 0;
  std::size_t read = 0;
  for (const RunPointer& run : active_) {
    if (run->generation.paused() || !run->archived.empty()) continue;
    if (run->pending() == 1) {
      ++decoded;
    } else {
      read += std::min(run->pending(), batch_tokens_);
    }
  }
  if (decoded + read == 0 || !cache_.pass(decoded, read)) return;
  for (const RunPointer& run : active_) run->computed = std::min(run->computed, cache_.length(run->sequence));
}

void Scheduler::make_room() {
  if (cache_.evict()) return;
  Run& youngest = *active_.back();
  if (active_.size() > 1) {
    cache_.discard(youngest.sequence, true);
    youngest.sequence = -1;
    youngest.computed = youngest.shared = 0;
    youngest.archived.clear();
    waiting_.push_front(std::move(active_.back()));
    active_.pop_back();
    return;
  }
  if (youngest.generation.has_answer()) {
    youngest.generation.end_for_lack_of_room();
  } else {
    youngest.generation.fail({ErrorCode::kOutOfMemory, "the cache has no room for the prompt", "use a larger context", {}});
  }
  remove({&youngest}, false);
}

void Scheduler::fail_all(std::span<const Share> shares) {
  std::vector<Run*> ended;
  for (const Share& share : shares) {
    share.run->generation.fail({ErrorCode::kInternal, "the model failed to compute a step", "try again; the log has the reason", {}});
    ended.push_back(share.run);
  }
  remove(ended, false);
}

void Scheduler::remove(const std::vector<Run*>& ended, bool keep_content) {
  for (const Run* run : ended) {
    if (keep_content) {
      cache_.release(run->sequence);
    } else {
      cache_.discard(run->sequence, false);
    }
    std::erase_if(active_, [&](const RunPointer& other) { return other.get() == run; });
  }
}

}  // namespace pensieve::engine
