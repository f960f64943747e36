#include "engine/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>

#include "engine/logit_math.h"

namespace pensieve::engine {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
using Row = std::vector<float>;

// Sampling by designated initialisers.
struct Given {
  float temperature = 1.0F;
  float top_p = 1.0F;
  std::int32_t top_k = 0;
  float min_p = 0.0F;
  float repetition_penalty = 1.0F;
  float frequency_penalty = 0.0F;
  float presence_penalty = 0.0F;
  std::int32_t penalty_last_n = 64;
  std::optional<std::uint32_t> seed = {};
  std::vector<LogitBias> logit_bias = {};

  [[nodiscard]] Sampling sampling() const {
    return {temperature, top_p, top_k, min_p, repetition_penalty, frequency_penalty, presence_penalty, penalty_last_n, seed, logit_bias};
  }
};

Sampler sampler_of(const Given& given, std::span<const Token> prompt = {}) { return {given.sampling(), prompt, 1}; }

std::map<Token, double> shares(const Given& given, const Row& logits, int draws = 40'000) {
  Sampler sampler(given.sampling(), {}, 11);
  std::map<Token, double> counts;
  for (int i = 0; i < draws; ++i) {
    Row row = logits;
    counts[sampler.sample(row).value()] += 1.0 / draws;
  }
  return counts;
}

// Logits of the given probabilities.
Row logits_of(const std::vector<double>& probabilities) {
  Row row;
  for (const double p : probabilities) row.push_back(static_cast<float>(std::log(p)) + 3.0F);
  return row;
}

Row noise(std::size_t size) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0.0F, 3.0F);
  Row row(size);
  for (float& value : row) value = normal(random);
  return row;
}

TEST(Sampler, TakesTheFirstMostLikelyTokenAtTemperatureZero) {
  Sampler sampler = sampler_of({.temperature = 0});
  Row row{0.5F, 2.0F, -1.0F, 2.0F};
  EXPECT_EQ(sampler.sample(row), 1);
}

TEST(Sampler, DrawsInProportionToTheProbabilities) {
  const auto got = shares({}, logits_of({0.5, 0.3, 0.15, 0.05}));
  EXPECT_NEAR(got.at(0), 0.5, 0.01);
  EXPECT_NEAR(got.at(1), 0.3, 0.01);
  EXPECT_NEAR(got.at(2), 0.15, 0.01);
  EXPECT_NEAR(got.at(3), 0.05, 0.01);
}

TEST(Sampler, DrawsFromALargeVocabularyInProportion) {
  Row row(10'000, 0.0F);
  row[9'999] = std::log(10'000.0F);  // half of the whole
  EXPECT_NEAR(shares({}, row).at(9'999), 0.5, 0.02);
}

TEST(Sampler, SharpensWithALowTemperature) {
  // p^2 normalised: 0.8, 0.2.
  const auto got = shares({.temperature = 0.5F}, logits_of({2.0 / 3, 1.0 / 3}));
  EXPECT_NEAR(got.at(0), 0.8, 0.01);
}

TEST(Sampler, KeepsOnlyTheTopK) {
  const auto got = shares({.top_k = 2}, logits_of({0.2, 0.5, 0.1, 0.2 + 1e-3}));
  EXPECT_EQ(got.size(), 2U);
  EXPECT_NEAR(got.at(1), 0.5 / 0.701, 0.01);
  EXPECT_TRUE(got.contains(3));
}

TEST(Sampler, KeepsTheSmallestNucleusThatReachesTopP) {
  const auto got = shares({.top_p = 0.75F}, logits_of({0.1, 0.5, 0.3, 0.1}));
  EXPECT_EQ(got.size(), 2U);
  EXPECT_NEAR(got.at(1), 0.625, 0.01);
}

TEST(Sampler, MeasuresTopPAgainstTheWholeVocabulary) {
  // Were the tail left out of the total, token 0 alone would reach 60 %.
  std::vector<double> probabilities{0.55, 0.25};
  probabilities.resize(402, 0.2 / 400);
  EXPECT_EQ(shares({.top_p = 0.6F}, logits_of(probabilities)).size(), 2U);
}

TEST(Sampler, KeepsAtLeastOneTokenForATinyTopP) {
  const auto got = shares({.top_p = 1e-6F}, logits_of({0.4, 0.6}), 100);
  EXPECT_EQ(got.size(), 1U);
  EXPECT_TRUE(got.contains(1));
}

TEST(Sampler, DropsTokensBelowMinPOfTheBest) {
  const auto got = shares({.min_p = 0.5F}, logits_of({0.4, 0.25, 0.15, 0.2}));
  EXPECT_THAT(got, testing::UnorderedElementsAre(testing::Key(0), testing::Key(1), testing::Key(3)));
}

TEST(Sampler, IsDeterministicForASeed) {
  const Row row = noise(5'000);
  const auto draw = [&](std::uint32_t seed) {
    Sampler sampler = sampler_of({.top_p = 0.95F, .seed = seed});
    std::vector<Token> tokens;
    for (int i = 0; i < 50; ++i) {
      Row copy = row;
      tokens.push_back(sampler.sample(copy).value());
    }
    return tokens;
  };
  EXPECT_EQ(draw(5), draw(5));
  EXPECT_NE(draw(5), draw(6));
}

TEST(Sampler, BansAndRaisesTokensByBias) {
  Sampler sampler = sampler_of({.temperature = 0, .logit_bias = {{0, -100.0F}, {2, 5.0F}}});
  Row row{9.0F, 1.0F, 0.0F};
  EXPECT_EQ(sampler.sample(row), 2);
}

TEST(Sampler, NeverDrawsABannedToken) {
  const auto got = shares({.logit_bias = {{1, -100.0F}}}, Row(4, 0.0F), 4'000);
  EXPECT_FALSE(got.contains(1));
}

TEST(Sampler, PenalisesRepetitionWithinItsWindowOfPromptAndAnswer) {
  const std::vector<Token> prompt{1, 0};
  Sampler sampler = sampler_of({.temperature = 0, .repetition_penalty = 2.0F, .penalty_last_n = 1}, prompt);
  Row first{3.0F, 2.0F, 1.0F};  // 0 is in the window: 1.5
  EXPECT_EQ(sampler.sample(first), 1);
  Row second{3.0F, 2.0F, 1.0F};  // now only 1 is
  EXPECT_EQ(sampler.sample(second), 0);
}

TEST(Sampler, MultipliesNegativeLogitsByTheRepetitionPenalty) {
  const std::vector<Token> prompt{0};
  Sampler sampler = sampler_of({.temperature = 0, .repetition_penalty = 2.0F}, prompt);
  Row row{-1.0F, -1.5F};
  EXPECT_EQ(sampler.sample(row), 1);
}

TEST(Sampler, CountsTheAnswersTokensForFrequencyAndPresence) {
  Sampler sampler = sampler_of({.temperature = 0, .frequency_penalty = 1.0F, .presence_penalty = 0.5F});
  std::vector<Token> tokens;
  for (int i = 0; i < 4; ++i) {
    Row row{3.0F, 2.0F, -9.0F};
    tokens.push_back(sampler.sample(row).value());
  }
  // Token 0 stands at 3, 1.5, 1.5, 0.5 before each draw; token 1 at 2, 2, 0.5, 0.5.
  EXPECT_THAT(tokens, testing::ElementsAre(0, 1, 0, 0));
}

TEST(Sampler, FindsNoTokenInLogitsThatAreNotNumbers) {
  Sampler sampler = sampler_of({});
  Row nans(8, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(sampler.sample(nans), std::nullopt);
  Row banned(8, -kInfinity);
  EXPECT_EQ(sampler.sample(banned), std::nullopt);
}

TEST(LogitMath, ComputesExponentialsAsPreciselyAsItSays) {
  Row values;
  for (float x = -86.9F; x <= 0; x += 0.0137F) values.push_back(x);
  Weights got;
  exponentials(values, 0.0F, 1.0F, got);
  double expected_sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double want = std::exp(static_cast<double>(values[i]));
    expected_sum += want;
    EXPECT_NEAR(got.values[i] / want, 1.0, 1e-6) << values[i];
  }
  EXPECT_NEAR(got.sum / expected_sum, 1.0, 1e-5);
}

TEST(LogitMath, GivesNoWeightToInfinitelyUnlikelyTokensAndNans) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Weights got;
  exponentials(Row{0.0F, -kInfinity, nan, nan, -kInfinity}, 0.0F, 1.0F, got);
  EXPECT_THAT(got.values, testing::ElementsAre(1.0F, 0.0F, 0.0F, 0.0F, 0.0F));
  EXPECT_EQ(got.sum, 1.0);
}

TEST(LogitMath, FindsTheLargestAnywhereInARow) {
  for (const std::size_t size : {1U, 15U, 16U, 33U}) {
    for (std::size_t at = 0; at < size; ++at) {
      Row row(size, -5.0F);
      row[at] = -1.0F;
      EXPECT_EQ(largest(row), -1.0F);
      EXPECT_EQ(index_of(row, -1.0F), at);
    }
  }
}

}  // namespace
}  // namespace pensieve::engine
