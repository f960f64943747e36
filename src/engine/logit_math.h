// Passes over a row of logits (tens to hundreds of thousands of floats, for every token), written
// so that compilers vectorise them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace pensieve::engine {

// Largest value; NaNs are passed over. -infinity for an empty row.
float largest(std::span<const float> values);

// Index of the first value equal to `value`; the row's size if there is none.
std::size_t index_of(std::span<const float> values, float value);

// Weights of a row, and their sums by block so that a place in their cumulative distribution is
// found without adding up all of them.
struct Weights {
  static constexpr std::size_t kBlock = 256;

  std::vector<float> values;
  std::vector<double> block_sums;  // of kBlock values each
  double sum = 0;
};

// weights.values[i] = exp((logits[i] - shift) * scale) for non-positive exponents, to a relative
// error of 1e-6; 0 below e^-87 and for NaN. Reuses the memory of `weights`.
void exponentials(std::span<const float> logits, float shift, float scale, Weights& weights);

}  // namespace pensieve::engine
