// The merged model's metadata: the first model's, with what it came from.
#pragma once

#include <string>

#include "base/result.h"
#include "merge/plan.h"

namespace pensieve::merge {

// The output's whole header. `name`: its general.name; empty: made of the parents' names. Parents stand
// in general.base_model.* as converters write them, and with the recipe in pensieve.merge.*.
Result<std::string> output_header(const Inputs& inputs, const Recipe& recipe, const Plan& plan, const std::string& name);

}  // namespace pensieve::merge
