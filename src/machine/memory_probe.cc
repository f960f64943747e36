#include "machine/memory_probe.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#ifdef __APPLE__
#include <mach/mach.h>
#include <sys/sysctl.h>
#endif

namespace pensieve {

#ifdef __APPLE__

MemoryReading SystemMemoryProbe::read() const {
  std::int64_t total = 0;
  std::size_t size = sizeof total;
  sysctlbyname("hw.memsize", &total, &size, nullptr, 0);
  vm_statistics64_data_t statistics{};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  if (host_statistics64(mach_host_self(), HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&statistics), &count) != KERN_SUCCESS) {
    return {{total}, {}};
  }
  const std::int64_t pages = std::int64_t{statistics.free_count} + statistics.inactive_count + statistics.purgeable_count;
  return {{total}, {pages * static_cast<std::int64_t>(vm_kernel_page_size)}};
}

#else

namespace {

// What the control groups above this process leave: the smallest of limit - use over the ancestors
// (cgroup v2). Page cache counts as use there, though it can be taken back, so inactive file pages
// are added again.
Bytes cgroup_room() {
  std::ifstream self("/proc/self/cgroup");
  std::int64_t room = std::numeric_limits<std::int64_t>::max();
  for (std::string line; std::getline(self, line);) {
    if (!line.starts_with("0::/")) continue;
    std::filesystem::path group = "/sys/fs/cgroup" + line.substr(3);
    for (; group.string().size() > std::string("/sys/fs").size(); group = group.parent_path()) {
      std::int64_t limit = 0;
      std::int64_t used = 0;
      if (!(std::ifstream(group / "memory.max") >> limit)) continue;  // "max" is no number
      std::ifstream(group / "memory.current") >> used;
      std::ifstream statistics(group / "memory.stat");
      std::string key;
      for (std::int64_t value = 0; statistics >> key >> value;) {
        if (key == "inactive_file") used -= value;
      }
      room = std::min(room, limit - used);
    }
  }
  return {room};
}

}  // namespace

MemoryReading SystemMemoryProbe::read() const {
  MemoryReading reading;
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::string rest;
  for (std::int64_t kilobytes = 0; file >> key >> kilobytes && std::getline(file, rest);) {
    if (key == "MemTotal:") reading.total = kibibytes(kilobytes);
    if (key == "MemAvailable:") reading.available = kibibytes(kilobytes);
  }
  reading.available = std::max(Bytes{0}, std::min(reading.available, cgroup_room()));
  return reading;
}

#endif

}  // namespace pensieve
