#include "engine/cpu_meter.h"

#include <sys/resource.h>

namespace pensieve::engine::detail {
namespace {

CpuTime duration_of(const timeval& time) { return CpuTime(static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6); }

}  // namespace

CpuTime own_cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return duration_of(usage.ru_utime) + duration_of(usage.ru_stime);
}

bool is_niced() { return getpriority(PRIO_PROCESS, 0) > 0; }

}  // namespace pensieve::engine::detail
