// The design document's own table, role by role, available as policy = "classic".
#pragma once

#include <optional>

#include "selector/decision.h"

namespace pensieve::selector {

// The role that the table names for a task: simple + good + high performance -> fallback;
// medium + high + high -> primary; complex + maximum + medium -> tertiary; reasoning and general
// knowledge -> secondary; otherwise primary.
ModelRole classic_role(const Assessment& task, const Requirement& requirement);

// The possible candidate with that role; if it is not possible, the first possible of primary,
// secondary, fallback, tertiary. Empty: no model with a role can answer.
std::optional<std::size_t> classic_choice(const Decision& decision, const FleetSnapshot& fleet);

}  // namespace pensieve::selector
