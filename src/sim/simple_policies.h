// What Pensieve is compared with.
#pragma once

#include "sim/policy.h"

namespace pensieve::sim {

// The design document's sketch taken literally: its table, its sizes, its thresholds; switches as soon
// as a threshold is crossed, unloads nothing.
std::unique_ptr<Policy> sketch_policy();
// The largest model whose file the machine's memory could hold, always.
std::unique_ptr<Policy> biggest_policy();
// The smallest, always.
std::unique_ptr<Policy> smallest_policy();
// The table's model for each request, as a client would name it; the three used last stay in memory.
std::unique_ptr<Policy> lru_policy();

}  // namespace pensieve::sim
