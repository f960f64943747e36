#include "engine/logit_math.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>

namespace pensieve::engine {
namespace {

// Independent partial results, so that the loop over them becomes vector instructions.
constexpr std::size_t kLanes = 16;

// exp(x) = 2^n * 2^f with n = round(x / ln 2), and 2^f = e^r by its Taylor polynomial on
// |r| <= ln(2) / 2 (error of the first term left out, r^7 / 7!: 1.2e-7). x is in [-87, 0].
float exponential(float x) {
  constexpr float kInverseLn2 = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;  // few bits: n * kLn2High is exact
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRoundingShift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = x * kInverseLn2 + kRoundingShift;
  const float n = shifted - kRoundingShift;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float p = 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const auto exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) + 127) << 23U;
  return p * std::bit_cast<float>(exponent);
}

}  // namespace

float largest(std::span<const float> values) {
  std::array<float, kLanes> lanes;
  lanes.fill(-std::numeric_limits<float>::infinity());
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = lanes[lane] < values[i + lane] ? values[i + lane] : lanes[lane];
    }
  }
  for (; i < values.size(); ++i) lanes[0] = lanes[0] < values[i] ? values[i] : lanes[0];
  return *std::ranges::max_element(lanes);
}

std::size_t index_of(std::span<const float> values, float value) {
  return static_cast<std::size_t>(std::ranges::find(values, value) - values.begin());
}

double exponentials(std::span<const float> values, float shift, float scale,
                    std::vector<float>& out) {
  out.resize(values.size());
  float* const result = out.data();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float x = (values[i] - shift) * scale;
    const float inside = x > -87.0F ? x : -87.0F;  // also for NaN
    const float value = exponential(inside);
    result[i] = x > -87.0F ? value : 0.0F;
  }
  std::array<double, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= out.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += static_cast<double>(result[i + lane]);
    }
  }
  double sum = 0;
  for (; i < out.size(); ++i) sum += static_cast<double>(result[i]);
  for (const double lane : sums) sum += lane;
  return sum;
}

}  // namespace pensieve::engine
