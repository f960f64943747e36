// Processes known by pid and start time, so that a reused pid is never mistaken for its
// predecessor.
#pragma once

#include <cstdint>
#include <optional>

#include "base/units.h"

namespace pensieve {

struct ProcessIdentity {
  std::int64_t pid = 0;
  std::int64_t start_time = 0;  // in the system's own units; only compared
  bool operator==(const ProcessIdentity&) const = default;
};

// Identity of the process that has `pid` now; empty if there is none, or only a zombie.
std::optional<ProcessIdentity> identify_process(std::int64_t pid);

// Identity of this process.
ProcessIdentity this_process();

// True while exactly this process runs.
bool is_running(const ProcessIdentity& process);

// Resident memory of a process: on Linux VmRSS of /proc/PID/status, on macOS phys_footprint. 0 if
// unknown.
Bytes resident_memory(std::int64_t pid);

// Asks the kernel to end this process with SIGKILL when its parent ends, and ends at once if the
// parent `expected_parent` is already gone. On systems without such a call (macOS) a thread waits
// for the parent's end.
void die_with_parent(std::int64_t expected_parent);

}  // namespace pensieve
