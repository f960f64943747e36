// How many experts of a mixture each token uses: a knob between speed and quality.
#pragma once

#include <cstdint>
#include <string>

#include "catalog/model_directory.h"

namespace pensieve {

// The number to load the model with for a configured `wanted` (engine.experts_used); 0: as the file says,
// for models that are no mixture, for their own number, and for a wanted 0. At most what there are.
std::uint32_t other_expert_count(const InstalledModel& model, std::int32_t wanted);

// "2 of 8 experts instead of 4" if those are fewer than the file's number; else empty.
std::string fewer_experts(const InstalledModel& model, std::int32_t wanted);

}  // namespace pensieve
