// The decision on a machine that has something against some of its models.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "selector/decision.h"

namespace pensieve::selector {

// By model's id: why it should not answer now (too large, too hot for it), in words.
using Objections = std::map<std::string, std::string, std::less<>>;

// decide() among the models that nothing is said against. If none of those can answer, the smallest that can
// does, since a slow answer is better than none and the smallest makes least worse what is said against all.
// Degraded where the machine costs the request its better model.
Decision decide_on_machine(const Objections& objections, const Assessment& task, const Requirement& requirement, const FleetSnapshot& fleet,
                           const SelectorPolicy& policy);

}  // namespace pensieve::selector
