// The engine's threads around a model: one prepares prompts, one runs the scheduler.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/batch_model.h"
#include "engine/cpu_meter.h"
#include "engine/embedding_model.h"
#include "engine/engine.h"
#include "engine/mailbox.h"
#include "engine/prepared_request.h"
#include "engine/prompt_builder.h"
#include "engine/state_archive.h"
#include "engine/thread_governor.h"
#include "engine/token_grammar.h"
#include "engine/vocabulary.h"

namespace pensieve::engine {

class Scheduler;

// What an engine is made of. The vocabulary may be a part of the model.
struct EngineParts {
  std::unique_ptr<BatchModel> model;
  std::unique_ptr<EmbeddingModel> embeddings;  // of the same model
  const Vocabulary* vocabulary = nullptr;
  std::unique_ptr<GrammarCompiler> grammars;  // null: answers can't be constrained
  PromptBuilder prompts;
  ipc::Loaded facts;                      // all but load_us
  std::unique_ptr<StateArchive> archive;  // where conversations are kept; may be null
  SteadyTime load_began;
  bool speculation = false;  // tokens may be guessed
  // What other processes take of the CPU, for the number of threads to follow; may be empty: it stays.
  std::function<std::optional<CpuTime>()> cpu_time_of_others = {};
};

// Requests go from the caller to the preparing thread (templates and tokens, which take a while for
// long prompts and must not hold up a step) and on to the engine thread, by mailboxes. Cancelling
// and pausing are flags that the engine thread reads between two steps. Embeddings are computed on the engine
// thread too, batch by batch between steps: the threads that libggml computes with belong to the thread that
// called it, and two such groups on the same cores wait for each other at every operation.
class LocalEngine final : public Engine {
 public:
  // Starts the threads and warms the model up. Errors: kInternal if the model can't decode.
  static Result<std::unique_ptr<LocalEngine>> start(EngineParts parts, EventSink sink);
  ~LocalEngine() override;

  [[nodiscard]] const ipc::Loaded& loaded() const override { return parts_.facts; }
  void submit(ipc::StreamId stream, GenerationRequest request) override;
  void cancel(ipc::StreamId stream) override;
  void pause(ipc::StreamId stream, bool paused) override;
  void throttle(const ipc::Throttle& throttle) override;
  [[nodiscard]] Result<std::int64_t> count_tokens(const GenerationRequest& request) const override;
  void embed(EmbeddingRequest request, EmbeddingDone done) override;
  [[nodiscard]] EngineProgress progress() const override;

 private:
  struct Submission {
    ipc::StreamId stream = 0;
    std::shared_ptr<const StreamControl> control;
    SteadyTime arrived;
    GenerationRequest request;
  };

  struct EmbeddingSubmission {
    EmbeddingRequest request;
    EmbeddingDone done;
  };
  struct Run;  // what the engine thread has of its own

  LocalEngine(EngineParts parts, EventSink sink);
  void prepare_prompts();
  void run_steps();
  bool turn(Run& run, bool wait);
  void compute_embeddings(Run& run);
  void apply_throttle(Scheduler& scheduler);
  void follow_machine(ThreadGovernor& governor, SteadyTime now);
  void set_threads();
  void rest(SteadyTime::duration step) const;
  std::shared_ptr<StreamControl> control_of(ipc::StreamId stream) const;
  void forget_ended();

  EngineParts parts_;
  EventSink sink_;
  SystemClock clock_;

  std::map<ipc::StreamId, std::weak_ptr<StreamControl>> controls_;  // the caller's
  std::size_t forget_at_ = 64;

  Mailbox<Submission> submissions_;
  mutable Mailbox<PreparedRequest> prepared_;  // woken from progress() too
  Mailbox<EmbeddingSubmission> embeddings_;
  std::atomic<std::uint32_t> preparing_ = 0;
  std::atomic<std::uint64_t> steps_ = 0;
  std::atomic<std::int64_t> step_began_us_ = 0;  // 0: none in progress
  std::atomic<std::uint32_t> active_ = 0;
  std::atomic<std::uint32_t> waiting_ = 0;

  std::mutex throttle_mutex_;
  ipc::Throttle throttle_;
  std::atomic<bool> throttle_changed_ = false;
  // The engine thread's:
  std::int32_t pause_percent_ = 0;
  std::int32_t most_threads_ = 0;        // decode threads by the throttle; 0: as loaded
  std::int32_t most_batch_threads_ = 0;  // prefill threads by the throttle; 0: as loaded
  std::int32_t free_cores_ = 0;          // that other processes leave; 0: not followed

  std::thread preparer_;
  std::thread runner_;
};

}  // namespace pensieve::engine
