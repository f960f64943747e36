#include "manager/routing_settings.h"

#include <string_view>

namespace pensieve {

selector::SelectorPolicy selector_policy(const RoutingConfig& config) {
  selector::SelectorPolicy policy;
  if (config.policy == "classic") policy.routing = selector::RoutingPolicy::kClassic;
  return policy;
}

selector::RequirementDefaults requirement_defaults(const RoutingConfig& config) {
  selector::RequirementDefaults defaults;
  defaults.quality = selector::parse_quality(config.quality).value_or(defaults.quality);
  defaults.performance = selector::parse_performance(config.performance).value_or(defaults.performance);
  defaults.min_speed = {static_cast<double>(config.min_tokens_per_second)};
  defaults.max_ttft = std::chrono::milliseconds(config.max_ttft_ms);
  return defaults;
}

selector::TierPolicy tier_policy(const TiersConfig& config) {
  const auto mode = [](std::string_view word) {
    return word == "on" ? selector::TierMode::kOn : word == "auto" ? selector::TierMode::kAuto : selector::TierMode::kOff;
  };
  return {.triage = mode(config.triage),
          .cascade = mode(config.cascade),
          .held_tokens = config.cascade_tokens,
          .min_confidence = config.cascade_confidence / 100.0};
}

}  // namespace pensieve
