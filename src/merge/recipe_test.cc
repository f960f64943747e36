#include "merge/recipe.h"

#include <gtest/gtest.h>

namespace pensieve::merge {
namespace {

TEST(Recipe, ACurveIsInterpolatedOverTheLayers) {
  const Recipe recipe{.t = *parse_curve("0, 0.5,1")};
  EXPECT_EQ(recipe.t_of("blk.0.attn_q.weight", 9), 0.0);
  EXPECT_EQ(recipe.t_of("blk.2.attn_q.weight", 9), 0.25);
  EXPECT_EQ(recipe.t_of("blk.4.attn_q.weight", 9), 0.5);
  EXPECT_EQ(recipe.t_of("blk.8.attn_q.weight", 9), 1.0);
  EXPECT_EQ(recipe.t_of("token_embd.weight", 9), 0.0);
  EXPECT_EQ(recipe.t_of("output_norm.weight", 9), 1.0);
  EXPECT_EQ(recipe.t_of("blk.0.attn_q.weight", 1), 0.0);
}

TEST(Recipe, TheFirstFilterThatFitsDecides) {
  const Result<Recipe> recipe = parse_recipe(R"(
method = "slerp"
t = 0.5
[[filter]]
tensor = "attn"
t = [0, 1]
[[filter]]
tensor = "blk.*.weight"
t = 0.25
)",
                                             "r.toml");
  ASSERT_TRUE(recipe) << recipe.error().text();
  EXPECT_EQ(recipe->t_of("blk.1.attn_q.weight", 2), 1.0);
  EXPECT_EQ(recipe->t_of("blk.1.ffn_up.weight", 2), 0.25);
  EXPECT_EQ(recipe->t_of("blk.1.ffn_up.bias", 2), 0.5);
}

TEST(Recipe, StarsStandForAnyText) {
  const auto fits = [](const char* pattern, const char* name) { return Filter{pattern, {}}.fits(name); };
  EXPECT_TRUE(fits("blk.*.attn_*.weight", "blk.12.attn_q.weight"));
  EXPECT_FALSE(fits("blk.*.attn_*.weight", "blk.12.ffn_up.weight"));
  EXPECT_TRUE(fits("*", ""));
  EXPECT_FALSE(fits("a*a", "a"));
  EXPECT_TRUE(fits("*norm*", "output_norm.weight"));
}

TEST(Recipe, WrongInputIsNamed) {
  for (const char* text : {"", "x", "0.5,", "1.5", "-0.1", "nan", "0.5 0.6", "0,,1", "inf"}) {
    EXPECT_FALSE(parse_curve(text)) << text;
  }
  EXPECT_FALSE(parse_filter("attn"));
  EXPECT_FALSE(parse_filter("=0.5"));
  for (const char* toml : {"t = 'x'", "t = []", "t = 2", "method = 'magic'", "tt = 1", "weights = ['a']", "filter = 1", "[[filter]]\nt = 1",
                           "[[filter]]\ntensor = 'a'\nt = 0.5\nx = 1", "t = [0.5", "t = nan", "type = 4"}) {
    const Result<Recipe> recipe = parse_recipe(toml, "r.toml");
    ASSERT_FALSE(recipe) << toml;
    EXPECT_TRUE(recipe.error().message.contains("r.toml, line")) << recipe.error().message;
  }
}

}  // namespace
}  // namespace pensieve::merge
