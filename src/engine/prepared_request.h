// A request on its way from the preparing thread to the scheduler.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/answer_plan.h"
#include "engine/batch_model.h"
#include "generation/request.h"
#include "ipc/messages.h"

namespace pensieve::engine {

// Set by the thread that talks to the supervisor, read by the engine's between two steps.
struct StreamControl {
  std::atomic<bool> cancelled = false;
  std::atomic<bool> paused = false;
};

// What the model is to read.
struct Prompt {
  std::vector<Token> tokens = {};
  std::string text = {};                 // the prompt as text; only filled for requests that want it echoed
  std::vector<PromptImage> images = {};  // in order; `tokens` has placeholders for their cells
  // Texts that end the model's turn where its vocabulary has no token for that.
  std::vector<std::string> turn_ends = {};
  // It ends within the model's reasoning, or behind it.
  bool reasoning_open = false;
  bool reasoning_closed = false;
  // How the answer is read and what it may be; null: plain text.
  std::shared_ptr<const AnswerPlan> answer = {};
};

struct PreparedRequest {
  ipc::StreamId stream = 0;
  std::shared_ptr<const StreamControl> control;
  SteadyTime arrived;
  GenerationRequest request;  // its messages and prompt are not needed any more
  Result<Prompt> prompt;
  AdapterSetPointer adapters = {};
};

}  // namespace pensieve::engine
