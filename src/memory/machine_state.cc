#include "memory/machine_state.h"

#include <algorithm>

namespace pensieve::memory {
namespace {

// System, desktop and a browser.
constexpr Bytes kUsualPrograms = gigabytes(3);

}  // namespace

Bytes default_limit(Bytes total) {
  constexpr double kShare = 12e9 / (16.0 * 1024 * 1024 * 1024);
  return {static_cast<std::int64_t>(static_cast<double>(total.value) * kShare)};
}

MachineState idle_state(const MachineProfile& profile) {
  const Bytes used = std::min(kUsualPrograms, Bytes{profile.memory.value / 4});
  return {.total = profile.memory,
          .available = profile.memory - used,
          .limit = default_limit(profile.memory),
          .margin = kDefaultMargin,
          .gpu_working_set = profile.gpu_working_set,
          .gpu_memory = profile.gpu_memory,
          .unified = profile.unified};
}

}  // namespace pensieve::memory
