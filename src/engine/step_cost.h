// What a step of the engine costs on this machine, learnt from the steps themselves, and how much
// prefill therefore fits into one.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace pensieve::engine {

// Time of a step = time of its decode tokens alone + prefill tokens * a marginal cost. The first is
// averaged by the number of decoding sequences, the second apart for steps with and without decode
// tokens (reading the weights is paid for by whichever comes first).
class StepCost {
 public:
  using Duration = std::chrono::duration<double>;

  // `floor`: a step beside decoding streams may take this long, or 1.5 times a plain decode step if
  // that is longer.
  explicit StepCost(std::chrono::milliseconds floor = std::chrono::milliseconds(50)) : floor_(floor) {}

  // Takes note of a step that was just done.
  void record(std::size_t decode_tokens, std::size_t prefill_tokens, Duration took);

  // Most prefill tokens for the next step. Beside decoding streams at least 8, so that a prompt
  // always moves; without any, about a second's worth and at least 128, so that a new request or a
  // cancellation is never far away while large batches keep their efficiency.
  [[nodiscard]] std::size_t prefill_budget(std::size_t decode_tokens, std::size_t batch_tokens) const;

  // Expected time to read `tokens` of a prompt; 0 while nothing is known.
  [[nodiscard]] Duration prefill_time(std::size_t tokens) const;

 private:
  [[nodiscard]] Duration plain_step(std::size_t decode_tokens) const;

  Duration floor_;
  std::vector<Duration> plain_;  // by decode tokens; 0: not seen
  Duration beside_decode_{};     // of one prefill token; 0: not seen
  Duration alone_{};             // of one prefill token; 0: not seen
};

}  // namespace pensieve::engine
