#include "manager/experts.h"

#include <gtest/gtest.h>

#include "gguf/model_shape.h"

namespace pensieve {
namespace {

InstalledModel mixture(std::uint32_t experts, std::uint32_t used) {
  auto shape = std::make_shared<gguf::ModelShape>();
  shape->experts = experts;
  shape->experts_used = used;
  return {.id = "m", .shape = shape};
}

TEST(Experts, AnotherNumberIsTakenForMixturesOnlyAndWithinWhatThereIs) {
  EXPECT_EQ(other_expert_count(mixture(8, 2), 1), 1U);
  EXPECT_EQ(other_expert_count(mixture(8, 2), 4), 4U);
  EXPECT_EQ(other_expert_count(mixture(8, 2), 100), 8U);
  EXPECT_EQ(other_expert_count(mixture(8, 2), 2), 0U);
  EXPECT_EQ(other_expert_count(mixture(8, 2), 0), 0U);
  EXPECT_EQ(other_expert_count(mixture(0, 0), 4), 0U);
  EXPECT_EQ(other_expert_count({.id = "unknown layout"}, 4), 0U);
}

TEST(Experts, FewerAreDisclosedAndMoreAreNot) {
  EXPECT_EQ(fewer_experts(mixture(8, 4), 2), "2 of 8 experts instead of 4");
  EXPECT_EQ(fewer_experts(mixture(8, 2), 4), "");
  EXPECT_EQ(fewer_experts(mixture(0, 0), 1), "");
}

}  // namespace
}  // namespace pensieve
