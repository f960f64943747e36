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

MachineState running_state(const MachineReading& reading, const MachineIdentity& identity, const MemoryPolicy& policy) {
  return {.total = reading.memory_total,
          .available = reading.memory_available,
          .limit = policy.limit > Bytes{0} ? policy.limit : default_limit(reading.memory_total),
          .margin = std::min(policy.margin, Bytes{reading.memory_total.value / 8}),
          .gpu_working_set = reading.gpu_working_set,
          .swap_free = reading.swap_free,
          .unified = identity.unified,
          .tiles = identity.tiles};
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
