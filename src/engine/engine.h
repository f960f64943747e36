// The engine as the worker sees it: one loaded model, requests in, events out. This header names
// nothing of libllama.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/embedding_model.h"
#include "generation/event.h"
#include "generation/request.h"
#include "ipc/messages.h"

namespace pensieve::engine {

// Progress of the engine thread, readable from any thread (for Pong).
struct EngineProgress {
  std::uint64_t steps = 0;
  std::int64_t step_age_us = 0;
  std::uint32_t active_sequences = 0;
  std::uint32_t waiting_requests = 0;
};

// Called on the engine thread for each event of a stream, in order. Returns at once.
using EventSink = std::function<void(ipc::StreamId, GenerationEvent)>;

// One loaded model with its own thread. All methods may be called from any one thread (the worker's
// socket thread) and return at once, but for the constructor function and count_tokens.
class Engine {
 public:
  virtual ~Engine() = default;  // stops the thread within one step; open streams get no more events

  [[nodiscard]] virtual const ipc::Loaded& loaded() const = 0;

  // Queues a request; its events go to the sink given at load. It joins between two steps.
  virtual void submit(ipc::StreamId stream, GenerationRequest request) = 0;

  // Ends a stream within one step, without a further event. Unknown ids are ignored.
  virtual void cancel(ipc::StreamId stream) = 0;

  // Holds a stream back from the batches (out of credits) or lets it run again.
  virtual void pause(ipc::StreamId stream, bool paused) = 0;

  // Gives up some of the speed, or takes it back, from the next step on.
  virtual void throttle(const ipc::Throttle& throttle) = 0;

  // Tokens of the prompt. Works beside a running generation; thread-safe.
  [[nodiscard]] virtual Result<std::int64_t> count_tokens(const GenerationRequest& request) const = 0;

  // Queues a request for embeddings; `done` is called with its answer on another thread.
  virtual void embed(EmbeddingRequest request, EmbeddingDone done) = 0;

  [[nodiscard]] virtual EngineProgress progress() const = 0;
};

// Initialises every backend that ggml finds; call once per process before anything else. Slow on
// some systems (GPU drivers), which is why a spare worker does it ahead of time.
void initialise_backends();

// The compute devices found and the engine's name and version ("llama.cpp 0.7.0").
std::vector<ipc::Device> devices();
std::string version();

// Opens a model. Errors: kNotFound/kIo (file), kUnsupported (architecture), kInvalidArgument
// (settings), kOutOfMemory. Blocks while reading.
Result<std::unique_ptr<Engine>> load(const ipc::LoadModel& settings, EventSink sink);

}  // namespace pensieve::engine
