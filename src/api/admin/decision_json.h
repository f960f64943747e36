// A routing decision as JSON, as `pensieve route` and /pensieve/v1/ give it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "selector/decision.h"

namespace pensieve::api {

// One object on one line. `model` is empty if nothing was chosen.
std::string decision_json(const selector::Decision& decision, std::string_view id, std::chrono::nanoseconds time_taken);

}  // namespace pensieve::api
