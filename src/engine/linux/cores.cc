#include "engine/cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>

namespace pensieve::engine {
namespace {

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Whole CPUs of "QUOTA PERIOD" (both in microseconds); 0 for "max" or nothing.
int whole_cpus(const std::string& quota_and_period) {
  std::istringstream in(quota_and_period);
  double quota = 0;
  double period = 0;
  if (!(in >> quota >> period) || quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::ceil(quota / period));
}

int least(int a, int b) { return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b); }

// Least quota of `group` and its ancestors below `mount`.
template <typename ReadQuota>
int least_quota(const std::filesystem::path& mount, std::filesystem::path group, ReadQuota read_quota) {
  int found = 0;
  for (;;) {
    found = least(found, whole_cpus(read_quota(mount / group.relative_path())));
    if (group.relative_path().empty()) return found;
    group = group.parent_path();
  }
}

}  // namespace

namespace detail {

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.empty()) {
    cpus.resize(std::max(1U, std::thread::hardware_concurrency()));
    std::ranges::generate(cpus, [next = 0]() mutable { return next++; });
  }
  return cpus;
}

int distinct_cores(const std::filesystem::path& root, const std::vector<int>& allowed) {
  std::set<std::string> cores;
  for (const int cpu : allowed) {
    const std::string name = "cpu" + std::to_string(cpu);
    const auto topology = root / "sys/devices/system/cpu" / name / "topology";
    const std::string siblings = content_of(topology / "thread_siblings_list");
    cores.insert(siblings.empty() ? name : siblings);
  }
  return static_cast<int>(cores.size());
}

int quota_cores(const std::filesystem::path& root, std::string_view membership) {
  const auto mount = root / "sys/fs/cgroup";
  int found = 0;
  std::istringstream lines{std::string(membership)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::filesystem::path group = line.substr(second + 1);
    if (controllers.empty()) {
      found = least(found, least_quota(mount, group, [](const std::filesystem::path& folder) { return content_of(folder / "cpu.max"); }));
    } else if (controllers == "cpu" || controllers == "cpu,cpuacct") {
      found = least(found, least_quota(mount / controllers, group, [](const std::filesystem::path& folder) {
                      return content_of(folder / "cpu.cfs_quota_us") + " " + content_of(folder / "cpu.cfs_period_us");
                    }));
    }
  }
  return found;
}

}  // namespace detail

int shared_cores() { return std::max(1, detail::distinct_cores("/", detail::allowed_cpus())); }

int usable_cores() { return std::max(1, least(shared_cores(), detail::quota_cores("/", content_of("/proc/self/cgroup")))); }

}  // namespace pensieve::engine
