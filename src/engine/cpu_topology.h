// How many threads computing pays for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>

namespace pensieve::engine {

// Physical cores that this process may use: hyper-threads of one core count once, affinity and the
// cgroup's CPU quota are respected, efficiency cores of Apple silicon are left out. At least 1.
std::uint32_t usable_physical_cores();

// Physical cores among `cpus` by the topology files under `cpu_folder` (/sys/devices/system/cpu);
// CPUs without topology count as cores of their own.
std::uint32_t count_physical_cores(const std::set<int>& cpus,
                                   const std::filesystem::path& cpu_folder);

}  // namespace pensieve::engine
