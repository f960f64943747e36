// A decision in words.
#pragma once

#include "selector/decision.h"

namespace pensieve::selector {

// Fills the reasons of the decision and of its candidates.
void explain(Decision& decision, const FleetSnapshot& fleet);

}  // namespace pensieve::selector
