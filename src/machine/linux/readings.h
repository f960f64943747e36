// What Linux tells of a machine's state, as text to values. Pure: the files' content comes in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"

namespace pensieve::linux_readings {

struct MemoryInfo {
  Bytes total;
  Bytes available;
  Bytes swap_total;
  Bytes swap_free;
};

// /proc/meminfo.
MemoryInfo parse_meminfo(std::string_view text);

// One counter of /proc/vmstat ("pswpout"); empty if absent.
std::optional<std::int64_t> parse_vmstat(std::string_view text, std::string_view name);

// "some avg10=..." of /proc/pressure/memory, in percent.
struct Pressure {
  double some_10s = 0;
  double full_10s = 0;
};
std::optional<Pressure> parse_pressure(std::string_view text);

// memory.max or memory.high of a control group; empty for "max".
std::optional<Bytes> parse_limit(std::string_view text);

// Use of a control group without what can be taken back: memory.current less inactive_file of
// memory.stat (FACTS: current counts page cache).
Bytes parse_group_use(std::string_view current, std::string_view stat);

// The path behind "0::" in /proc/self/cgroup; empty without cgroup v2.
std::string parse_group(std::string_view text);

// thermal_zone*/temp and hwmon*/temp*_input: millidegrees.
std::optional<Celsius> parse_temperature(std::string_view text);

// "model name" of /proc/cpuinfo; "CPU part" has no name on ARM, so that gives "".
std::string parse_cpu_name(std::string_view text);

// True if /proc/cpuinfo tells of AMX and of AVX-512 VNNI, which the kernels need beside it.
bool parse_has_tiles(std::string_view text);

}  // namespace pensieve::linux_readings
