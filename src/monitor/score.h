// One figure for how well the server does: the design document's score.
#pragma once

#include <optional>

#include "monitor/signals.h"

namespace pensieve::monitor {

// Mean of min(speed / 20, 1), 1 - memory, and 1 - (temperature - 60) / 30, each within 0..1, over
// those that are known. Empty: nothing is known.
std::optional<double> score(const Signals& signals);

}  // namespace pensieve::monitor
