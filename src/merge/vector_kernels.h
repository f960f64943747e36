// Loops over elements that the compiler turns into SIMD, on x86-64 in several versions of which the
// processor's best is taken at start. Spans in one call have the same number of elements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pensieve::merge {

void half_to_float(std::span<const std::uint16_t> in, std::span<float> out);
void float_to_half(std::span<const float> in, std::span<std::uint16_t> out);  // rounds to nearest, ties to even
void bfloat_to_float(std::span<const std::uint16_t> in, std::span<float> out);
void float_to_bfloat(std::span<const float> in, std::span<std::uint16_t> out);  // rounds to nearest, ties to even

// Sums over a pair of tensors, from which SLERP gets its angle.
struct DotProducts {
  double aa = 0;
  double bb = 0;
  double ab = 0;
};
DotProducts dot_products(std::span<const float> a, std::span<const float> b);

// sums += factor * x, in double, so that a result is rounded once.
void add_scaled(double factor, std::span<const float> x, std::span<double> sums);

// out = a * x + b * y, rounded once.
void combine(double a, std::span<const float> x, double b, std::span<const float> y, std::span<float> out);

void round_to_float(std::span<const double> in, std::span<float> out);

// What the values are like: whether all are finite, and the largest magnitude of those that are.
struct Magnitude {
  bool finite = true;
  float largest = 0;
};
Magnitude magnitude(std::span<const float> values);

}  // namespace pensieve::merge
