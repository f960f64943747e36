#include "engine/cores.h"

#include <sys/sysctl.h>

#include <algorithm>
#include <initializer_list>
#include <thread>

namespace pensieve::engine {

namespace {

// The first of the system's figures that there is.
int first_count(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    int count = 0;
    std::size_t size = sizeof count;
    if (sysctlbyname(name, &count, &size, nullptr, 0) == 0 && count > 0) return count;
  }
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace

int usable_cores() { return first_count({"hw.perflevel0.physicalcpu", "hw.physicalcpu"}); }

int shared_cores() { return first_count({"hw.physicalcpu"}); }

}  // namespace pensieve::engine
