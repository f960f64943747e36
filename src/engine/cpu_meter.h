// What other processes take of the CPU.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

namespace pensieve::engine {

using CpuTime = std::chrono::duration<double>;

// CPU time, summed over the CPUs that this process may use, that others had since the machine started:
// processes, interrupts, and what a hypervisor took away. Processes of lower priority than this one
// don't count, since they give way to it. Only differences mean something. Nothing if the system
// doesn't tell. Takes some ten microseconds.
std::optional<CpuTime> cpu_time_of_others();

namespace detail {

CpuTime own_cpu_time();

// True if this process has a raised nice value: its own time is then among that of such processes.
bool is_niced();

// Time that the CPUs `counted` were busy, from the text of Linux's /proc/stat, whose unit is `tick`;
// without that of processes with a raised nice value unless `niced` is set.
CpuTime busy_time(std::string_view stat, const std::vector<int>& counted, bool niced, CpuTime tick);

}  // namespace detail

}  // namespace pensieve::engine
