#include "selector/requirement.h"

#include <algorithm>
#include <array>

namespace pensieve::selector {
namespace {

constexpr std::array<std::string_view, 8> kSmallNames = {"haiku", "mini", "nano", "flash", "small", "lite", "tiny", "auto:fast"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

std::string_view to_string(Quality quality) {
  switch (quality) {
    case Quality::kGood:
      return "good";
    case Quality::kHigh:
      return "high";
    case Quality::kMaximum:
      return "maximum";
  }
  return "high";
}

std::string_view to_string(Performance performance) {
  switch (performance) {
    case Performance::kLow:
      return "low";
    case Performance::kMedium:
      return "medium";
    case Performance::kHigh:
      return "high";
  }
  return "medium";
}

std::optional<Quality> parse_quality(std::string_view word) {
  for (const Quality quality : {Quality::kGood, Quality::kHigh, Quality::kMaximum}) {
    if (word == to_string(quality)) return quality;
  }
  return std::nullopt;
}

std::optional<Performance> parse_performance(std::string_view word) {
  for (const Performance performance : {Performance::kLow, Performance::kMedium, Performance::kHigh}) {
    if (word == to_string(performance)) return performance;
  }
  return std::nullopt;
}

// Whole words only: "gemini" is not "mini".
bool names_small_model(std::string_view name) {
  return std::ranges::any_of(kSmallNames, [&](std::string_view word) {
    for (std::size_t at = name.find(word); at != std::string_view::npos; at = name.find(word, at + 1)) {
      const bool begins = at == 0 || !is_letter(name[at - 1]);
      const bool ends = at + word.size() == name.size() || !is_letter(name[at + word.size()]);
      if (begins && ends) return true;
    }
    return false;
  });
}

Requirement resolve_requirement(const GenerationRequest& request, const RequirementDefaults& defaults, std::string_view automatic) {
  Requirement requirement{
      .quality = defaults.quality, .performance = defaults.performance, .min_speed = defaults.min_speed, .max_ttft = defaults.max_ttft};
  if (request.model == "auto:best" || automatic == "auto:best") {
    requirement.quality = Quality::kMaximum;
    requirement.performance = Performance::kMedium;
  } else if (automatic == "auto:fast" || names_small_model(request.model)) {
    requirement.quality = Quality::kGood;
    requirement.performance = Performance::kHigh;
  }
  const Requirements& asked = request.requirements;
  requirement.quality = asked.quality.value_or(requirement.quality);
  requirement.performance = asked.performance.value_or(requirement.performance);
  if (asked.min_tokens_per_second) requirement.min_speed = {*asked.min_tokens_per_second};
  if (asked.max_ttft_ms) requirement.max_ttft = std::chrono::milliseconds(*asked.max_ttft_ms);
  return requirement;
}

}  // namespace pensieve::selector
