// How many threads to compute with beside what else runs on the machine.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "engine/cpu_meter.h"

namespace pensieve::engine {

// The threads of a step wait for each other many times in each layer. One that gets no CPU, because
// another process has it, stops all: two threads on two cores beside one busy process are half as fast
// as one thread, and far less beside two. So there are as many as there are cores left. Fewer at once,
// more when the cores have been free for a while. Pure; one thread's.
class ThreadGovernor {
 public:
  // `most`: threads when nothing else runs. `cores`: that the process and its neighbours share.
  ThreadGovernor(std::int32_t most, std::int32_t cores);

  // Takes a reading of cpu_time_of_others(), made at `now`. Readings that follow the last one closely are
  // left out; one is due when `due(now)`.
  void record(SteadyTime now, CpuTime others);
  [[nodiscard]] bool due(SteadyTime now) const { return !begun_ || now - last_ >= kWindow; }

  // There was a pause: what others took before the next reading says nothing about now, and one free
  // window is enough for more threads.
  void restart();

  [[nodiscard]] std::int32_t threads() const { return threads_; }

 private:
  static constexpr std::chrono::milliseconds kWindow{250};

  std::int32_t most_;
  std::int32_t cores_;
  std::int32_t threads_;
  bool begun_ = false;
  SteadyTime last_;
  CpuTime others_{};
  std::int32_t roomy_windows_ = 0;  // in a row that had room for more threads
  std::int32_t least_room_ = 0;     // of them
};

}  // namespace pensieve::engine
