#include "api/disclosure.h"

#include <gtest/gtest.h>

namespace pensieve::api {
namespace {

TEST(Disclosure, SaysModelDecisionAndWhatIsLess) {
  EXPECT_EQ(disclosure_json({.model = "a", .decision = "req_1"}), R"({"model":"a","decision":"req_1","degraded":null})");
  EXPECT_EQ(disclosure_field({.model = "a", .decision = "req_1", .degraded = "a \"smaller\" model"}),
            R"(,"pensieve":{"model":"a","decision":"req_1","degraded":"a \"smaller\" model"})");
  EXPECT_EQ(disclosure_field({.model = "a"}), "");
}

TEST(Disclosure, TellsOfTokensGuessedAheadWhereThereWereAny) {
  const Disclosure disclosure{.model = "a", .decision = "req_1"};
  const Usage guessed{.completion_tokens = 9, .accepted_prediction_tokens = 3, .rejected_prediction_tokens = 1};
  EXPECT_EQ(disclosure_field(disclosure, Usage{.completion_tokens = 9}), disclosure_field(disclosure));
  EXPECT_EQ(
      disclosure_field(disclosure, guessed),
      R"(,"pensieve":{"model":"a","decision":"req_1","degraded":null,"accepted_prediction_tokens":3,"rejected_prediction_tokens":1})");
  EXPECT_EQ(disclosure_field({}, guessed), R"(,"pensieve":{"accepted_prediction_tokens":3,"rejected_prediction_tokens":1})");
}

TEST(Disclosure, AHeaderTakesNoLineBreaksAndNoForeignBytes) {
  EXPECT_EQ(header_text("less\r\nX-Evil: 1\xC3\xA9"), "less??X-Evil: 1??");
  EXPECT_EQ(header_text(std::string(5000, 'a')).size(), 400U);
}

}  // namespace
}  // namespace pensieve::api
