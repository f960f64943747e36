#include "merge/slerp.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <numbers>
#include <vector>

namespace pensieve::merge {
namespace {

TEST(Slerp, WalksTheArcBetweenOrthogonalVectors) {
  const SlerpFactors half = slerp_factors({1, 1, 0}, 0.5);
  EXPECT_NEAR(half.a, std::numbers::sqrt2 / 2, 1e-15);
  EXPECT_NEAR(half.b, std::numbers::sqrt2 / 2, 1e-15);
  const SlerpFactors third = slerp_factors({4, 9, 0}, 1.0 / 3);
  EXPECT_NEAR(third.a, std::sqrt(3.0) / 2, 1e-15);
  EXPECT_NEAR(third.b, 0.5, 1e-15);
}

TEST(Slerp, IsLinearWhereTheAngleIsTooSmallOrTheVectorsAreOpposite) {
  for (const double cosine : {1.0, 0.9996, -1.0, -0.9996, 1.0000001}) {
    const SlerpFactors factors = slerp_factors({4, 4, 4 * cosine}, 0.25);
    EXPECT_EQ(factors.a, 0.75) << cosine;
    EXPECT_EQ(factors.b, 0.25) << cosine;
  }
  EXPECT_GT(slerp_factors({1, 1, 0.9994}, 0.25).a, 0.75);
}

TEST(Slerp, TakesAZeroVectorAsOrthogonal) {
  const SlerpFactors factors = slerp_factors({0, 1, 0}, 0.5);
  EXPECT_NEAR(factors.b, std::numbers::sqrt2 / 2, 1e-15);
  // Below 1e-8 the norm is taken as 1.
  EXPECT_NEAR(slerp_factors({1e-18, 1, 1e-9}, 0.5).b, std::sin(0.5 * std::acos(1e-9)) / std::sin(std::acos(1e-9)), 1e-15);
}

TEST(VectorKernels, HalvesAreRoundedLikeTheHardwareDoes) {
  std::vector<std::uint16_t> all;
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) all.push_back(static_cast<std::uint16_t>(bits));
  std::vector<float> floats(all.size());
  half_to_float(all, floats);
  std::vector<std::uint16_t> back(all.size());
  float_to_half(floats, back);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool nan = (all[i] & 0x7FFFU) > 0x7C00U;
    EXPECT_EQ(std::isnan(floats[i]), nan);
    EXPECT_TRUE(nan || back[i] == all[i]) << all[i];
    EXPECT_TRUE(nan || floats[i] == static_cast<float>(std::bit_cast<_Float16>(all[i]))) << all[i];
  }
  const std::vector<float> between = {1.0F + 0x1p-11F, 1.0F + 3 * 0x1p-11F, 65519.0F, 65520.0F, 0x1p-25F, 0x1.8p-25F, -1e-30F};
  std::vector<std::uint16_t> rounded(between.size());
  float_to_half(between, rounded);
  EXPECT_EQ(rounded, (std::vector<std::uint16_t>{0x3C00, 0x3C02, 0x7BFF, 0x7C00, 0x0000, 0x0001, 0x8000}));
}

TEST(VectorKernels, SumsCountEveryElement) {
  std::vector<float> a(37, 2.0F);
  std::vector<float> b(37, -3.0F);
  a.back() = 1e20F;
  const DotProducts sums = dot_products(a, b);
  EXPECT_EQ(sums.bb, 37 * 9.0);
  EXPECT_GT(sums.aa, 9e39);
  EXPECT_LT(sums.ab, -2e20);
}

TEST(VectorKernels, OneInfinityOrNanIsSeen) {
  std::vector<float> values(100, -2.5F);
  EXPECT_TRUE(magnitude(values).finite);
  EXPECT_EQ(magnitude(values).largest, 2.5F);
  values[99] = NAN;
  EXPECT_FALSE(magnitude(values).finite);
  values[99] = -INFINITY;
  EXPECT_FALSE(magnitude(values).finite);
}

}  // namespace
}  // namespace pensieve::merge
