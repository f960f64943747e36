// Continuous batching: decides what each engine step decodes, and turns its results into events.
//
// A step is one decode of the model. First every running answer gets its next token; then prompts
// are read in chunks, small enough beside running answers that the step stays within the
// inter-token target, shortest remaining prompt first so that a short prompt is not queued behind a
// long one (a prompt that was passed over kMaxPassedOver times comes first). Requests join and leave
// between steps.
//
// Sequences keep their tokens after an answer (the prefix cache): a new request continues the one
// with the longest common prefix, or shares that prefix by copy where the rest belongs to another
// conversation, so that side calls do not destroy a longer one. Cells run out: idle sequences are
// forgotten, least recently used first; then the youngest running request goes back to the queue
// and is read again later, unnoticed by its client but for time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/batch_model.h"
#include "engine/sampler.h"
#include "engine/text_stream.h"
#include "generation/event.h"
#include "ipc/messages.h"

namespace pensieve::engine {

// A request as the scheduler takes it: the prompt is tokens already, and fits the context.
struct Job {
  ipc::StreamId stream = 0;
  std::vector<Token> prompt;
  Sampling sampling;
  std::vector<std::string> stop;
  std::int64_t max_tokens = INT64_MAX;
  std::int32_t top_logprobs = -1;
  std::string echo;  // sent as the first text, outside of stop strings
  SteadyTime submitted;
};

// Used by the engine thread only.
class Scheduler {
 public:
  using Emit = std::function<void(ipc::StreamId, GenerationEvent)>;

  // `parallel`: most requests in one batch, at most model.sequences(). The references outlive this.
  Scheduler(BatchModel& model, const Clock& clock, std::int32_t parallel, Emit emit);
  ~Scheduler();

  void submit(Job job);
  void cancel(ipc::StreamId stream);
  void pause(ipc::StreamId stream, bool paused);

  // One step, if there is anything to do. False: nothing to do until the next call above.
  bool step();

  [[nodiscard]] std::uint32_t active() const;
  [[nodiscard]] std::uint32_t waiting() const;

 private:
  struct Run;        // a request under way
  struct Slot;       // a sequence of the model and what it holds
  struct BatchPlan;  // the tokens of one step and whose they are

  void admit();
  bool admit_one(std::unique_ptr<Run>& run);
  std::int32_t choose_slot(const Run& run, std::int32_t& shared);
  BatchPlan plan_batch();
  void add_prefill(BatchPlan& plan, std::int32_t budget);
  [[nodiscard]] std::int32_t prefill_budget(std::size_t decoding) const;
  bool make_room(std::int32_t tokens, const Run* keep);
  [[nodiscard]] std::int32_t cells_used() const;
  void requeue_youngest(const Run* keep);
  void decode_failed(const BatchPlan& plan);
  void take_result(Run& run, std::span<const float> logits);
  void finish(Run& run, StopReason reason);
  void release(Run& run);
  void learn(const BatchPlan& plan, std::chrono::nanoseconds elapsed);

  BatchModel& model_;
  const Clock& clock_;
  std::int32_t parallel_;
  Emit emit_;
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Run>> waiting_;
  std::vector<std::unique_ptr<Run>> running_;
  std::uint64_t use_counter_ = 0;
  double decode_step_ns_ = 0;    // smoothed cost of a step without prefill
  double prefill_token_ns_ = 0;  // smoothed cost of a prompt token within a step
};

}  // namespace pensieve::engine
