#include "selector/ability.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string>

namespace pensieve::selector {
namespace {

constexpr double kAtOneBillion = 0.30;
constexpr double kPerDoubling = 0.09;

struct Family {
  std::string_view name;  // part of the id; the first that matches counts
  double general = 0;
  double code = 0;
  double math = 0;
};

// Against a general model of late 2023 of the same size, from published results on common scales.
constexpr std::array kFamilies = {
    Family{"deepseek-coder", -0.13, 0.12, -0.08},
    Family{"codellama", -0.15, 0.03, -0.12},
    Family{"starcoder", -0.20, 0.03, -0.15},
    Family{"qwen2.5-coder", -0.02, 0.16, 0.04},
    Family{"qwen3-coder", 0.05, 0.20, 0.08},
    Family{"qwen3", 0.12, 0.13, 0.18},
    Family{"qwen2.5", 0.06, 0.08, 0.10},
    Family{"qwen", 0.02, 0.03, 0.04},
    Family{"gpt-oss", 0.08, 0.12, 0.15},
    Family{"gemma-4", 0.10, 0.09, 0.12},
    Family{"gemma-3", 0.06, 0.03, 0.06},
    Family{"gemma", 0.04, 0.00, 0.02},
    Family{"phi-4", 0.06, 0.06, 0.12},
    Family{"phi-3", 0.02, 0.01, 0.04},
    Family{"llama-3", 0.03, 0.02, 0.02},
    Family{"llama-2", -0.06, -0.12, -0.12},
    Family{"granite-4", 0.05, 0.07, 0.05},
    Family{"granite", 0.00, 0.02, 0.00},
    Family{"lfm2", 0.04, 0.02, 0.05},
    Family{"smollm3", 0.07, 0.05, 0.08},
    Family{"smollm", 0.03, -0.02, 0.00},
    Family{"codestral", -0.02, 0.12, 0.00},
    Family{"devstral", 0.02, 0.14, 0.03},
    Family{"mixtral", 0.00, 0.00, 0.00},
    Family{"coder", -0.08, 0.08, -0.04},
};

Family family_of(std::string_view id) {
  std::string lower(id);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Family& family : kFamilies) {
    if (lower.contains(family.name)) return family;
  }
  return {};
}

double quantization_loss(std::string_view quantization) {
  for (const auto& [prefix, loss] : std::array<std::pair<std::string_view, double>, 8>{
           {{"IQ1", 0.14}, {"Q1", 0.14}, {"IQ2", 0.08}, {"Q2", 0.07}, {"IQ3", 0.035}, {"Q3", 0.03}, {"IQ4", 0.01}, {"Q4", 0.01}}}) {
    if (quantization.starts_with(prefix)) return loss;
  }
  return 0;
}

}  // namespace

Abilities estimate_abilities(const ModelTraits& traits) {
  const double all = std::max(1e6, static_cast<double>(traits.parameters)) / 1e9;
  const double active = traits.active_parameters > 0 ? static_cast<double>(traits.active_parameters) / 1e9 : all;
  const Family family = family_of(traits.id);
  const double base = kAtOneBillion + kPerDoubling * std::log2(std::sqrt(all * active)) - quantization_loss(traits.quantization);
  Abilities abilities;
  abilities.fill(std::clamp(base + family.general, 0.0, 1.0));
  const auto set = [&](Domain domain, double correction) {
    abilities[static_cast<std::size_t>(domain)] = std::clamp(base + correction, 0.0, 1.0);
  };
  set(Domain::kCode, family.code);
  set(Domain::kMath, family.math);
  // An agent both reasons and writes code; a rather general model calls tools more reliably.
  set(Domain::kAgentic, (family.general + family.code) / 2);
  return abilities;
}

}  // namespace pensieve::selector
