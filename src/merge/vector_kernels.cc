#include "merge/vector_kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>

#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Not with sanitizers: their runtime is not up yet when the versions are chosen.
#define VERSIONS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VERSIONS
#endif

namespace pensieve::merge {
namespace {

constexpr std::size_t kLanes = 16;  // independent sums, so that the compiler may keep them in registers

// IEEE half precision without branches: the exponent is moved by multiplication with a power of two,
// which also normalises subnormals; only infinity and NaN need their exponent restored.
inline float widen(std::uint16_t half) {
  const std::uint32_t magnitude = (half & 0x7FFFU) << 13U;
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const auto finite = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F);
  return std::bit_cast<float>((magnitude >= (0x7C00U << 13U) ? magnitude | 0x7F800000U : finite) | sign);
}

// Adding a power of two chosen by the exponent makes the addition round at the bit where the half's
// mantissa ends; the two multiplications turn what is too large into infinity.
inline std::uint16_t narrow(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t doubled = bits << 1U;
  const float scaled = std::bit_cast<float>(bits & 0x7FFFFFFFU) * 0x1p112F * 0x1p-110F;
  const std::uint32_t bias = std::max(doubled & 0xFF000000U, 0x71000000U);
  const auto sum = std::bit_cast<std::uint32_t>(std::bit_cast<float>((bias >> 1U) + 0x07800000U) + scaled);
  const std::uint32_t magnitude = ((sum >> 13U) & 0x7C00U) + (sum & 0x0FFFU);
  return static_cast<std::uint16_t>(((bits >> 16U) & 0x8000U) | (doubled > 0xFF000000U ? 0x7E00U : magnitude));
}

inline std::uint16_t narrow_to_bfloat(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
  const std::uint32_t quiet = (bits >> 16U) | 64U;
  return static_cast<std::uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? quiet : rounded);
}

VERSIONS void widen_all(const std::uint16_t* in, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = widen(in[i]);
}

VERSIONS void narrow_all(const float* in, std::uint16_t* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = narrow(in[i]);
}

VERSIONS void widen_bfloats(const std::uint16_t* in, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(in[i]) << 16U);
}

VERSIONS void narrow_to_bfloats(const float* in, std::uint16_t* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = narrow_to_bfloat(in[i]);
}

VERSIONS void sum_products(const float* a, const float* b, std::size_t count, double* aa, double* bb, double* ab) {
  for (std::size_t i = 0; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const double x = a[i + lane];
      const double y = b[i + lane];
      aa[lane] += x * x;
      bb[lane] += y * y;
      ab[lane] += x * y;
    }
  }
}

VERSIONS void add_scaled_all(double factor, const float* x, double* sums, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sums[i] += factor * static_cast<double>(x[i]);
}

VERSIONS void combine_all(double a, const float* x, double b, const float* y, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(a * static_cast<double>(x[i]) + b * static_cast<double>(y[i]));
}

VERSIONS void round_all(const double* in, float* out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i]);
}

// As bits, magnitudes compare like whole numbers, with infinity and NaN above all others.
VERSIONS std::uint32_t largest_magnitude(const float* values, std::size_t count) {
  std::uint32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::bit_cast<std::uint32_t>(values[i]) & 0x7FFFFFFFU);
  return largest;
}

}  // namespace

void half_to_float(std::span<const std::uint16_t> in, std::span<float> out) { widen_all(in.data(), out.data(), in.size()); }
void float_to_half(std::span<const float> in, std::span<std::uint16_t> out) { narrow_all(in.data(), out.data(), in.size()); }
void bfloat_to_float(std::span<const std::uint16_t> in, std::span<float> out) { widen_bfloats(in.data(), out.data(), in.size()); }
void float_to_bfloat(std::span<const float> in, std::span<std::uint16_t> out) { narrow_to_bfloats(in.data(), out.data(), in.size()); }

DotProducts dot_products(std::span<const float> a, std::span<const float> b) {
  double aa[kLanes] = {};
  double bb[kLanes] = {};
  double ab[kLanes] = {};
  sum_products(a.data(), b.data(), a.size(), aa, bb, ab);
  DotProducts sums;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    sums.aa += aa[lane];
    sums.bb += bb[lane];
    sums.ab += ab[lane];
  }
  for (std::size_t i = a.size() / kLanes * kLanes; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    sums.aa += x * x;
    sums.bb += y * y;
    sums.ab += x * y;
  }
  return sums;
}

void add_scaled(double factor, std::span<const float> x, std::span<double> sums) {
  add_scaled_all(factor, x.data(), sums.data(), x.size());
}

void combine(double a, std::span<const float> x, double b, std::span<const float> y, std::span<float> out) {
  combine_all(a, x.data(), b, y.data(), out.data(), x.size());
}

void round_to_float(std::span<const double> in, std::span<float> out) { round_all(in.data(), out.data(), in.size()); }

Magnitude magnitude(std::span<const float> values) {
  const std::uint32_t largest = largest_magnitude(values.data(), values.size());
  return {.finite = largest < 0x7F800000U, .largest = std::bit_cast<float>(largest)};
}

}  // namespace pensieve::merge
