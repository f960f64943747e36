#include "selector/requirement.h"

#include <gtest/gtest.h>

namespace pensieve::selector {
namespace {

Requirement asked(std::string model, Requirements headers = {}, RequirementDefaults defaults = {}) {
  GenerationRequest request;
  request.model = std::move(model);
  request.requirements = headers;
  return resolve_requirement(request, defaults);
}

TEST(Requirement, FollowsTheAlias) {
  EXPECT_EQ(asked("auto"), (Requirement{Quality::kHigh, Performance::kMedium}));
  EXPECT_EQ(asked("auto:fast"), (Requirement{Quality::kGood, Performance::kHigh}));
  EXPECT_EQ(asked("auto:best"), (Requirement{Quality::kMaximum, Performance::kMedium}));
}

TEST(Requirement, ClientsNamesForTheirSmallModelMeanFast) {
  for (const char* name : {"claude-haiku-4-5-20251001", "claude-3-5-haiku-latest", "gpt-5-mini", "gpt-4.1-nano", "gemini-2.5-flash"}) {
    EXPECT_EQ(asked(name).performance, Performance::kHigh) << name;
  }
  for (const char* name : {"claude-sonnet-4-5", "gpt-5", "gemini-2.5-pro", "administrator"})
    EXPECT_EQ(asked(name).performance, Performance::kMedium) << name;
}

TEST(Requirement, HeadersWinOverTheNameAndTheNameOverTheConfiguration) {
  const RequirementDefaults defaults{.quality = Quality::kMaximum, .min_speed = {5}};
  EXPECT_EQ(asked("auto", {}, defaults).quality, Quality::kMaximum);
  EXPECT_EQ(asked("auto:fast", {}, defaults).quality, Quality::kGood);
  const Requirement requirement =
      asked("auto:fast", {.quality = Quality::kHigh, .min_tokens_per_second = 12, .max_ttft_ms = 900}, defaults);
  EXPECT_EQ(requirement.quality, Quality::kHigh);
  EXPECT_EQ(requirement.min_speed.value, 12);
  EXPECT_EQ(requirement.max_ttft.count(), 900);
}

}  // namespace
}  // namespace pensieve::selector
