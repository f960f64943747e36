#include "engine/cpu_meter.h"

#include <mach/mach.h>
#include <unistd.h>

namespace pensieve::engine {

std::optional<CpuTime> cpu_time_of_others() {
  host_cpu_load_info_data_t load{};
  mach_msg_type_number_t count = HOST_CPU_LOAD_INFO_COUNT;
  static const mach_port_t kHost = mach_host_self();
  if (host_statistics(kHost, HOST_CPU_LOAD_INFO, reinterpret_cast<host_info_t>(&load), &count) != KERN_SUCCESS) return std::nullopt;
  const double ticks = static_cast<double>(load.cpu_ticks[CPU_STATE_USER]) + static_cast<double>(load.cpu_ticks[CPU_STATE_SYSTEM]) +
                       (detail::is_niced() ? static_cast<double>(load.cpu_ticks[CPU_STATE_NICE]) : 0);
  const CpuTime tick(1.0 / static_cast<double>(sysconf(_SC_CLK_TCK)));
  return ticks * tick - detail::own_cpu_time();
}

}  // namespace pensieve::engine
