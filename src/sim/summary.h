// A simulation in a few figures.
#pragma once

#include <string_view>

#include "sim/simulator.h"

namespace pensieve::sim {

// Of `outcome`'s requests and notes.
Summary summarize(std::string_view policy, const Outcome& outcome, std::int64_t loads, double swap_seconds, double hot_seconds);

}  // namespace pensieve::sim
