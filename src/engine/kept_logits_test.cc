#include "engine/kept_logits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pensieve::engine {
namespace {

using testing::ElementsAre;
using testing::IsNull;
using testing::NotNull;
using testing::Pointee;

const std::vector<Token> kPrompt{1, 2, 3};
const std::vector<Token> kLonger{1, 2, 3, 4};
const std::vector<float> kLogits{0.5F, -1, 2};

TEST(KeptLogits, AreOfThisPromptWithTheseAdaptersOnly) {
  KeptLogits kept(1000);
  kept.keep(kPrompt, {}, kLogits);
  EXPECT_THAT(kept.find(kPrompt, {}), Pointee(ElementsAre(0.5F, -1, 2)));
  EXPECT_THAT(kept.find(kLonger, {}), IsNull());
  EXPECT_THAT(kept.find(std::span(kPrompt).first(2), {}), IsNull());
  EXPECT_THAT(kept.find(kPrompt, AdapterSpan{7, 0}), IsNull());
}

TEST(KeptLogits, AreReplacedByNewerOnes) {
  KeptLogits kept(1000);
  kept.keep(kPrompt, {}, kLogits);
  kept.keep(kPrompt, {}, std::vector<float>{9});
  EXPECT_THAT(kept.find(kPrompt, {}), Pointee(ElementsAre(9)));
}

TEST(KeptLogits, LeaveByAgeWhereTheyAreTooMany) {
  const std::size_t size = kPrompt.size() * sizeof(Token) + kLogits.size() * sizeof(float);
  KeptLogits kept(2 * size);
  for (const Token first : {1, 2, 1, 3}) kept.keep(std::vector<Token>{first, 2, 3}, {}, kLogits);
  EXPECT_THAT(kept.find(std::vector<Token>{1, 2, 3}, {}), NotNull());
  EXPECT_THAT(kept.find(std::vector<Token>{2, 2, 3}, {}), IsNull());
  EXPECT_THAT(kept.find(std::vector<Token>{3, 2, 3}, {}), NotNull());
}

TEST(KeptLogits, OfTheNewestPromptAreKeptHoweverLarge) {
  KeptLogits kept(1);
  kept.keep(kPrompt, {}, kLogits);
  kept.keep(kLonger, {}, kLogits);
  EXPECT_THAT(kept.find(kPrompt, {}), IsNull());
  EXPECT_THAT(kept.find(kLonger, {}), NotNull());
}

TEST(KeptLogits, StayWithWhoHasThem) {
  KeptLogits kept(1);
  kept.keep(kPrompt, {}, kLogits);
  const KeptLogits::Row row = kept.find(kPrompt, {});
  kept.keep(kLonger, {}, kLogits);
  EXPECT_THAT(row, Pointee(ElementsAre(0.5F, -1, 2)));
}

}  // namespace
}  // namespace pensieve::engine
