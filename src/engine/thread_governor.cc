#include "engine/thread_governor.h"

#include <algorithm>
#include <cmath>

namespace pensieve::engine {
namespace {

constexpr std::int32_t kWindowsBeforeMore = 3;

}  // namespace

ThreadGovernor::ThreadGovernor(std::int32_t most, std::int32_t cores)
    : most_(std::max(most, 1)), cores_(std::max({cores, most, 1})), threads_(most_) {}

void ThreadGovernor::restart() {
  begun_ = false;
  roomy_windows_ = kWindowsBeforeMore - 1;
  least_room_ = most_;
}

void ThreadGovernor::record(SteadyTime now, CpuTime others) {
  if (!due(now)) return;
  const bool comparable = begun_;
  const double busy = (others - others_) / CpuTime(now - last_);
  begun_ = true;
  last_ = now;
  others_ = others;
  if (!comparable) return;
  // A core that others use less than half of the time is worth a thread.
  const auto room = std::clamp(static_cast<std::int32_t>(std::floor(cores_ - std::max(busy, 0.0) + 0.5)), 1, most_);
  if (room <= threads_) {
    threads_ = room;
    roomy_windows_ = 0;
    return;
  }
  least_room_ = roomy_windows_++ == 0 ? room : std::min(least_room_, room);
  if (roomy_windows_ < kWindowsBeforeMore) return;
  threads_ = least_room_;
  roomy_windows_ = 0;
}

}  // namespace pensieve::engine
