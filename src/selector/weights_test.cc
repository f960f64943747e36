#include "selector/weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

namespace pensieve::selector {
namespace {

TEST(RoutingWeights, AreReadFromTheBinary) {
  FeatureExtractor extractor;
  const TextEstimate estimate = RoutingWeights::embedded().estimate(extractor.extract("What is the capital of Peru?"));
  EXPECT_TRUE(std::isfinite(estimate.gain) && std::isfinite(estimate.topic_gain) && std::isfinite(estimate.medium_logit));
}

TEST(RoutingWeights, RefuseAFileThatIsNotTheirs) {
  EXPECT_FALSE(RoutingWeights::parse({}));
  std::vector<unsigned char> bytes(1 << 16, 0);
  EXPECT_FALSE(RoutingWeights::parse(bytes));
  const std::string magic = "PVROUTE1";
  std::ranges::copy(magic, bytes.begin());
  EXPECT_FALSE(RoutingWeights::parse(bytes));
  const auto put = [&](std::size_t at, std::uint32_t value) { std::memcpy(bytes.data() + at, &value, sizeof value); };
  put(8, kBuckets);
  put(12, kFigures);
  put(16, kColumns);
  put(20, 1U << 31);
  EXPECT_FALSE(RoutingWeights::parse(bytes));
  put(20, 10);
  EXPECT_FALSE(RoutingWeights::parse(bytes)) << "cut short";
}

TEST(RoutingWeights, ScoreRisesWithEachPart) {
  const RoutingWeights& weights = RoutingWeights::embedded();
  const TextEstimate base{.topic_gain = 0.1, .gain = 0.1, .medium_logit = 0, .complex_logit = -1};
  TextEstimate more = base;
  more.topic_gain = 0.2;
  EXPECT_GT(weights.score(more), weights.score(base));
  more = base;
  more.gain = 0.2;
  EXPECT_GT(weights.score(more), weights.score(base));
  more = base;
  more.complex_logit = 1;
  EXPECT_GT(weights.score(more), weights.score(base));
}

}  // namespace
}  // namespace pensieve::selector
