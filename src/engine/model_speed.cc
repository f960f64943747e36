#include "engine/model_speed.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>

#include "base/process.h"
#include "base/statistics.h"
#include "engine/engine.h"

namespace pensieve::engine {
namespace {

constexpr std::int64_t kTellingPrompt = 64;
constexpr int kPrompts = 2;  // readings of each depth: they take the longest and vary the least

// Where the engine's thread leaves the end of the one answer that is under way.
class Answer {
 public:
  void take(GenerationEvent event) {
    if (!is_terminal(event)) return;
    const std::lock_guard lock(mutex_);
    end_ = std::move(event);
    changed_.notify_one();
  }
  Result<Finished> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return end_.has_value(); });
    const GenerationEvent end = *std::exchange(end_, std::nullopt);
    if (const auto* failed = std::get_if<Failed>(&end)) return std::unexpected(failed->error);
    return std::get<Finished>(end);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<GenerationEvent> end_;
};

// Tokens that follow no pattern, so that nothing can guess what comes next.
std::vector<std::int32_t> filler(std::int64_t count, std::uint32_t seed, std::uint32_t vocabulary) {
  std::vector<std::int32_t> tokens;
  const std::uint32_t usable = std::max(vocabulary / 2, 1U);
  for (std::int64_t i = 0; i < count; ++i) {
    seed = seed * 1664525U + 1013904223U;
    tokens.push_back(static_cast<std::int32_t>((seed >> 8U) % usable));
  }
  return tokens;
}

class Measuring {
 public:
  Measuring(Engine& engine, Answer& answer, const SpeedTest& test) : engine_(engine), answer_(answer), test_(test) {}

  Result<DepthSpeed> at(std::int64_t depth) {
    DepthSpeed speed{.depth = depth};
    GenerationRequest request{.prompt_kind = PromptKind::kTokens, .max_tokens = test_.decoded_tokens};
    for (int i = 0; i < kPrompts; ++i) {
      request.prompt_tokens = filler(depth, static_cast<std::uint32_t>(depth * 31 + i), engine_.loaded().vocabulary_size);
      add(TRY(ask(request, static_cast<std::uint32_t>(i))), speed);
    }
    // The last prompt stays in the cache, so further answers to it cost only their own tokens. An answer
    // may end early, so there are more tries than samples.
    for (int i = kPrompts; i < 4 * test_.repetitions && std::ssize(speed.decode) < test_.repetitions; ++i)
      add(TRY(ask(request, static_cast<std::uint32_t>(i))), speed);
    return speed;
  }

 private:
  Result<Finished> ask(GenerationRequest request, std::uint32_t seed) {
    request.sampling.seed = seed;
    engine_.submit(++stream_, std::move(request));
    return answer_.wait();
  }

  void add(const Finished& finished, DepthSpeed& speed) const {
    const std::int64_t steps = finished.usage.completion_tokens - 1;
    const std::int64_t read = finished.usage.prompt_tokens - finished.usage.cached_prompt_tokens;
    if (steps >= test_.decoded_tokens / 2 && finished.timings.decode_us > 0)
      speed.decode.push_back(static_cast<double>(steps) * 1e6 / static_cast<double>(finished.timings.decode_us));
    if (read >= std::max(kTellingPrompt, speed.depth / 2) && finished.timings.prefill_us > 0)
      speed.prefill.push_back(static_cast<double>(read) * 1e6 / static_cast<double>(finished.timings.prefill_us));
  }

  Engine& engine_;
  Answer& answer_;
  const SpeedTest& test_;
  ipc::StreamId stream_ = 0;
};

}  // namespace

Result<ModelSpeed> measure_model(const ipc::LoadModel& settings, const SpeedTest& test, const std::function<void(std::int64_t)>& progress) {
  Answer answer;
  ipc::LoadModel plain = settings;
  plain.speculation = false;  // what can be guessed says nothing about other answers
  // On a thread that ends: libggml leaves the threads behind that it loaded with, and they would slow each step.
  auto loading = std::async(
      std::launch::async, [&] { return load(plain, [&answer](ipc::StreamId, GenerationEvent event) { answer.take(std::move(event)); }); });
  const std::unique_ptr<Engine> engine = TRY(loading.get());
  ModelSpeed measured{.loaded = engine->loaded()};
  Measuring measuring(*engine, answer, test);
  double reading = 0;  // tokens a second, as found so far
  for (const std::int64_t depth : test.depths) {
    const bool fits = depth + test.decoded_tokens <= measured.loaded.sequence_context_tokens;
    const bool takes_long = reading > 0 && static_cast<double>(depth) / reading > static_cast<double>(test.longest_read.count());
    if (!fits || takes_long) continue;
    progress(depth);
    measured.depths.push_back(TRY(measuring.at(depth)));
    if (!measured.depths.back().prefill.empty()) reading = median(measured.depths.back().prefill);
  }
  measured.resident = resident_memory(getpid());
  return measured;
}

}  // namespace pensieve::engine
