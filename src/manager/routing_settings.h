// Settings of routing as the configuration has them.
#pragma once

#include "config/config.h"
#include "selector/fleet.h"
#include "selector/requirement.h"
#include "selector/tiers.h"

namespace pensieve {

selector::SelectorPolicy selector_policy(const RoutingConfig& config);
selector::RequirementDefaults requirement_defaults(const RoutingConfig& config);
selector::TierPolicy tier_policy(const TiersConfig& config);

}  // namespace pensieve
