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

// out[i] = exp((values[i] - shift) * scale) for non-positive exponents, to a relative error of
// 1e-6; 0 below e^-87 and for NaN. Returns the sum. `out` is resized.
double exponentials(std::span<const float> values, float shift, float scale,
                    std::vector<float>& out);

}  // namespace pensieve::engine
