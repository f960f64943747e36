// How able a model is in each domain, from what its file says of it. Figures are priors: relative
// order matters, and configuration may replace them.
#pragma once

#include <cstdint>
#include <string_view>

#include "selector/fleet.h"

namespace pensieve::selector {

struct ModelTraits {
  std::string_view id;  // "deepseek-coder-6.7b-instruct-q4_k_m"
  std::int64_t parameters = 0;
  std::int64_t active_parameters = 0;  // of a mixture of experts, per token; 0: all
  std::string_view quantization;       // "Q4_K_M"; empty: unknown
};

// Ability grows with the logarithm of size (for a mixture: the geometric mean of all and active
// parameters); families that are better or worse than their size, and coders, are corrected by one
// table; coarse quantization costs a little.
Abilities estimate_abilities(const ModelTraits& traits);

}  // namespace pensieve::selector
