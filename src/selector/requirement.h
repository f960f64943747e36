// What the caller requires of the choice: from the model's name, headers and the configuration.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"
#include "generation/request.h"

namespace pensieve::selector {

std::string_view to_string(Quality quality);          // "good"
std::string_view to_string(Performance performance);  // "high"
std::optional<Quality> parse_quality(std::string_view word);
std::optional<Performance> parse_performance(std::string_view word);

// How the choice is made: by what each model is worth here, or by the fixed table (classic.h).
enum class RoutingPolicy : std::uint8_t { kSmart, kClassic };

// What the configuration says; the figures are contracts unless 0.
struct RequirementDefaults {
  Quality quality = Quality::kHigh;
  Performance performance = Performance::kMedium;
  TokensPerSecond min_speed;
  std::chrono::milliseconds max_ttft{0};
};

struct Requirement {
  Quality quality = Quality::kHigh;
  Performance performance = Performance::kMedium;
  TokensPerSecond min_speed;              // 0: none
  std::chrono::milliseconds max_ttft{0};  // 0: none
  bool operator==(const Requirement&) const = default;
};

// Headers (`request.requirements`) win over the name ("auto:fast", or a client's name for its small
// model: "claude-haiku-4-5", "gpt-5-mini"), the name over `defaults`.
// `automatic` is the auto name that the request's name led to by an alias; empty: the name itself.
Requirement resolve_requirement(const GenerationRequest& request, const RequirementDefaults& defaults, std::string_view automatic = {});

// True if `name` is what clients call the model of their small side calls.
bool names_small_model(std::string_view name);

}  // namespace pensieve::selector
