#include "grammar/gbnf_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pensieve::grammar {
namespace {

using testing::HasSubstr;

std::string refusal(const std::string& text) {
  const auto facts = check_grammar(text, "grammar");
  EXPECT_FALSE(facts) << text;
  return facts ? "" : facts.error().message;
}

TEST(CheckGrammar, MeasuresTheShortestText) {
  EXPECT_EQ(check_grammar("root ::= \"yes\" | \"no\" | word{3}\nword ::= [a-z]+ # letters\n", "")->shortest, 2U);
  EXPECT_EQ(check_grammar("root ::= \"(\" root \")\" | \"x\"", "")->shortest, 1U);
  EXPECT_GE(check_grammar("root ::= \"[\" (\"{\" \"abc\" \"}\")? \"]\"", "")->to_end, 6U);
}

TEST(CheckGrammar, TakesLinesAsTheSamplerDoes) {
  EXPECT_TRUE(check_grammar("# a comment\nroot ::=\n  \"a\" |\n  (\"b\"\n   \"c\")\nother ::= .\n", ""));
}

TEST(CheckGrammar, NamesTheFault) {
  EXPECT_THAT(refusal("root ::= missing"), HasSubstr("'missing'"));
  EXPECT_THAT(refusal("start ::= \"a\""), HasSubstr("'root'"));
  EXPECT_THAT(refusal("root ::= root \"a\" | \"b\""), HasSubstr("'root' begins with itself"));
  EXPECT_THAT(refusal("root ::= \"a"), HasSubstr("line 1"));
  EXPECT_THAT(refusal("root ::= \"a\"\nx ::= (\"b\""), HasSubstr("parenthesis"));
  EXPECT_THAT(refusal("root ::= \"a\" root"), HasSubstr("no finite text"));
  EXPECT_THAT(refusal(""), HasSubstr("'root'"));
  EXPECT_THAT(refusal("root = \"a\""), HasSubstr("::="));
  EXPECT_EQ(check_grammar("root ::= x", "grammar").error().param, "grammar");
}

TEST(CheckGrammar, BoundsSizeNestingAndCounts) {
  EXPECT_THAT(refusal("root ::= \"a\"{1000000}"), HasSubstr("count"));
  EXPECT_THAT(refusal("root ::= " + std::string(500, '(') + "\"a\"" + std::string(500, ')')), HasSubstr("deep"));
  std::string chain;
  for (int i = 0; i < 10'000; ++i) chain += "r" + std::to_string(i) + " ::= r" + std::to_string(i + 1) + "\n";
  EXPECT_THAT(refusal("root ::= r0\n" + chain + "r10000 ::= \"a\"\n"), HasSubstr("begin with each other"));
}

}  // namespace
}  // namespace pensieve::grammar
