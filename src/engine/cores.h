// How many threads computing pays off with on this machine.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace pensieve::engine {

// Physical cores that this process may use: two hardware threads of a core count once, affinity
// and a container's CPU quota are respected; on macOS the performance cores. At least 1.
int usable_cores();

// Cores that this process shares with others: as above, but whatever its quota, and on macOS the
// efficiency cores too. At least 1.
int shared_cores();

namespace detail {

// Numbers of the logical CPUs that this process may run on. Linux only.
std::vector<int> allowed_cpus();

// Distinct cores among the logical CPUs `allowed`, read from `root`/sys/devices/system/cpu. CPUs
// whose topology is unknown count as cores of their own.
int distinct_cores(const std::filesystem::path& root, const std::vector<int>& allowed);

// The cgroup's CPU quota rounded up to whole CPUs, the least over the group and its ancestors;
// 0 if there is none. `membership` is the content of /proc/self/cgroup. Knows version 2, and
// version 1 mounted at cpu or cpu,cpuacct.
int quota_cores(const std::filesystem::path& root, std::string_view membership);

}  // namespace detail

}  // namespace pensieve::engine
