#include "selector/ability.h"

#include <gtest/gtest.h>

namespace pensieve::selector {
namespace {

double ability(std::string_view id, double billions, Domain domain, double active = 0, std::string_view quantization = "Q4_K_M") {
  return estimate_abilities({.id = id,
                             .parameters = static_cast<std::int64_t>(billions * 1e9),
                             .active_parameters = static_cast<std::int64_t>(active * 1e9),
                             .quantization = quantization})[static_cast<std::size_t>(domain)];
}

TEST(Ability, OrdersModelsAsTheyAreKnown) {
  EXPECT_GT(ability("deepseek-coder-6.7b", 6.74, Domain::kCode), ability("mistral-7b", 7.24, Domain::kCode));
  EXPECT_LT(ability("deepseek-coder-6.7b", 6.74, Domain::kReasoning), ability("mistral-7b", 7.24, Domain::kReasoning));
  EXPECT_GT(ability("mixtral-8x7b", 46.7, Domain::kCode, 12.9), ability("deepseek-coder-6.7b", 6.74, Domain::kCode));
  EXPECT_GT(ability("qwen3-4b", 4.0, Domain::kMath), ability("phi-3-mini", 3.8, Domain::kMath));
  EXPECT_GT(ability("smollm2-135m", 0.135, Domain::kChat), 0);
}

TEST(Ability, AMixtureIsWorthLessThanADenseModelOfItsSize) {
  EXPECT_LT(ability("x", 46.7, Domain::kChat, 12.9), ability("x", 46.7, Domain::kChat));
  EXPECT_GT(ability("x", 46.7, Domain::kChat, 12.9), ability("x", 12.9, Domain::kChat));
}

TEST(Ability, CoarseQuantizationCosts) {
  EXPECT_LT(ability("x", 7, Domain::kChat, 0, "Q2_K"), ability("x", 7, Domain::kChat, 0, "Q4_K_M"));
  EXPECT_LT(ability("x", 7, Domain::kChat, 0, "Q4_K_M"), ability("x", 7, Domain::kChat, 0, "Q8_0"));
}

}  // namespace
}  // namespace pensieve::selector
