#include "engine/cpu_topology.h"

#include <algorithm>
#include <fstream>
#include <format>
#include <string>
#include <thread>

#ifdef __APPLE__
#include <sys/sysctl.h>
#else
#include <sched.h>
#endif

namespace pensieve::engine {

std::uint32_t count_physical_cores(const std::set<int>& cpus,
                                   const std::filesystem::path& cpu_folder) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    std::ifstream file(cpu_folder / std::format("cpu{}", cpu) / "topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(file, siblings)) siblings = std::format("cpu{}", cpu);
    cores.insert(siblings);
  }
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(cores.size()));
}

#ifdef __APPLE__

std::uint32_t usable_physical_cores() {
  for (const char* name : {"hw.perflevel0.physicalcpu", "hw.physicalcpu"}) {
    std::uint32_t cores = 0;
    std::size_t size = sizeof cores;
    if (sysctlbyname(name, &cores, &size, nullptr, 0) == 0 && cores > 0) return cores;
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

#else

namespace {

// Whole CPUs that the cgroup's quota allows; 0: no quota. cpu.max holds "QUOTA PERIOD" or
// "max PERIOD".
std::uint32_t quota_cpus() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0;
  double period = 0;
  if (!(file >> quota >> period) || period <= 0) return 0;
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(quota / period + 0.5));
}

}  // namespace

std::uint32_t usable_physical_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::set<int> cpus;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) cpus.insert(cpu);
    }
  }
  if (cpus.empty()) return std::max(1U, std::thread::hardware_concurrency());
  const std::uint32_t cores = count_physical_cores(cpus, "/sys/devices/system/cpu");
  const std::uint32_t quota = quota_cpus();
  return quota > 0 ? std::min(cores, quota) : cores;
}

#endif

}  // namespace pensieve::engine
