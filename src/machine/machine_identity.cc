#include <format>

#include "machine/machine_probe.h"

namespace pensieve {

std::string MachineIdentity::fingerprint() const {
  return std::format("{} / {} cores / {} GiB", cpu.empty() ? "unknown CPU" : cpu, cores, (memory.value + (1LL << 29)) >> 30);
}

}  // namespace pensieve
