#include "engine/cpu_meter.h"

#include <mach/mach.h>
#include <sys/resource.h>
#include <unistd.h>

namespace pensieve::engine {
namespace {

CpuTime duration_of(const timeval& time) { return CpuTime(static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6); }

}  // namespace

std::optional<CpuTime> cpu_time_of_others() {
  host_cpu_load_info_data_t load{};
  mach_msg_type_number_t count = HOST_CPU_LOAD_INFO_COUNT;
  static const mach_port_t kHost = mach_host_self();
  if (host_statistics(kHost, HOST_CPU_LOAD_INFO, reinterpret_cast<host_info_t>(&load), &count) != KERN_SUCCESS) return std::nullopt;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const bool niced = getpriority(PRIO_PROCESS, 0) > 0;  // then its own time is among theirs
  const double ticks = static_cast<double>(load.cpu_ticks[CPU_STATE_USER]) + static_cast<double>(load.cpu_ticks[CPU_STATE_SYSTEM]) +
                       (niced ? static_cast<double>(load.cpu_ticks[CPU_STATE_NICE]) : 0);
  const CpuTime tick(1.0 / static_cast<double>(sysconf(_SC_CLK_TCK)));
  return ticks * tick - duration_of(usage.ru_utime) - duration_of(usage.ru_stime);
}

}  // namespace pensieve::engine
