// How fast a model answers on this machine, by the whole engine: scheduler and sampler included, the
// way to the client left out.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ipc/messages.h"

namespace pensieve::engine {

struct SpeedTest {
  std::vector<std::int64_t> depths = {16, 256, 1024};  // tokens of the prompt; those beyond the context are left out
  int repetitions = 5;
  std::int64_t decoded_tokens = 24;       // of each answer
  std::chrono::seconds longest_read{60};  // a depth that would take longer to read is left out
};

// Speeds after a prompt of `depth` tokens, one of each repetition. Prompts of less than 64 tokens tell
// no reading speed.
struct DepthSpeed {
  std::int64_t depth = 0;
  std::vector<double> decode;   // tokens a second
  std::vector<double> prefill;  // of the prompt's tokens, from none in the cache
};

struct ModelSpeed {
  ipc::Loaded loaded;
  Bytes resident;  // of the process once the deepest prompt was read
  std::vector<DepthSpeed> depths;
};

// Loads the model into this process, asks for answers to made-up prompts, one at a time, and unloads it.
// Errors as load(), and those of the answers. `progress` is told each depth before it is measured.
Result<ModelSpeed> measure_model(const ipc::LoadModel& settings, const SpeedTest& test, const std::function<void(std::int64_t)>& progress);

}  // namespace pensieve::engine
