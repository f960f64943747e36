// How many requests may be under way and wait at a level, and when another one is worth a try. Pure.
#pragma once

#include <chrono>
#include <cstdint>

#include "generation/request.h"
#include "monitor/level.h"

namespace pensieve {

struct AdmissionBounds {
  std::int64_t interactive = 0;  // requests open at once
  std::int64_t batch = 0;        // beyond it no batch request is taken
};

// `parallel` run side by side and `queue` may wait on a calm machine; a tighter machine takes fewer,
// batch requests only while half of the queue is free, and none from critical on.
AdmissionBounds admission_bounds(monitor::Level level, std::int64_t parallel, std::int64_t queue);

// Until a place is free: what is over the bound, at one answer of `answer_time` a place. At least a second.
std::chrono::seconds retry_after(std::int64_t open, std::int64_t bound, std::int64_t parallel, std::chrono::milliseconds answer_time);

}  // namespace pensieve
