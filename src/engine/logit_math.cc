#include "engine/logit_math.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace pensieve::engine {
namespace {

// Independent partial results, so that the loop over them becomes vector instructions.
constexpr std::size_t kLanes = 16;

// Four lanes, as every 64-bit machine has them; written out because compilers leave the selection
// of lanes by comparison scalar (it might trap).
using Floats = float __attribute__((vector_size(16)));
using Integers = std::int32_t __attribute__((vector_size(16)));
constexpr std::size_t kVector = 4;

// exp(x) = 2^n * 2^f with n = round(x / ln 2), and 2^f = e^r by its Taylor polynomial on
// |r| <= ln(2) / 2 (error of the first term left out, r^7 / 7!: 1.2e-7); 0 for x <= -87 and NaN.
inline Floats exponential(Floats x) {
  constexpr float kInverseLn2 = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;  // few bits: n * kLn2High is exact
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRoundingShift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const Integers inside = x > -87.0F;            // all bits set, or none
  const Floats n = (x * kInverseLn2 + kRoundingShift) - kRoundingShift;
  const Floats r = (x - n * kLn2High) - n * kLn2Low;
  Floats p = r * (1.0F / 720.0F) + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const Integers power = (__builtin_convertvector(n, Integers) + 127) << 23;
  const Floats value = p * std::bit_cast<Floats>(power);
  return std::bit_cast<Floats>(std::bit_cast<Integers>(value) & inside);
}

// Exponentials of `count` values from `in`, 1 to kVector of them.
template <typename Count>
inline Floats some_exponentials(const float* in, Count count, float shift, float scale, float* out) {
  Floats x{};
  std::memcpy(&x, in, count * sizeof(float));
  Floats value = exponential((x - shift) * scale);
  for (std::size_t lane = count; lane < kVector; ++lane) value[lane] = 0;
  std::memcpy(out, &value, count * sizeof(float));
  return value;
}

// Exponentials of one block, at most Weights::kBlock values; returns their sum.
double block_exponentials(std::span<const float> logits, float shift, float scale, float* out) {
  constexpr std::integral_constant<std::size_t, kVector> kAll;  // known to the compiler
  Floats sums{};
  std::size_t i = 0;
  for (; i + kVector <= logits.size(); i += kVector) {
    sums += some_exponentials(&logits[i], kAll, shift, scale, out + i);
  }
  if (i < logits.size()) {
    sums += some_exponentials(&logits[i], logits.size() - i, shift, scale, out + i);
  }
  return static_cast<double>(sums[0]) + static_cast<double>(sums[1]) + static_cast<double>(sums[2]) + static_cast<double>(sums[3]);
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

void exponentials(std::span<const float> logits, float shift, float scale, Weights& weights) {
  weights.values.resize(logits.size());
  weights.block_sums.clear();
  weights.sum = 0;
  for (std::size_t start = 0; start < logits.size(); start += Weights::kBlock) {
    const auto block = logits.subspan(start, std::min(Weights::kBlock, logits.size() - start));
    weights.block_sums.push_back(block_exponentials(block, shift, scale, weights.values.data() + start));
    weights.sum += weights.block_sums.back();
  }
}

}  // namespace pensieve::engine
