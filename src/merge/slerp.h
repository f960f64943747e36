// Spherical linear interpolation of two tensors taken as vectors: the whole tensor, an unnormalised
// result, and linear where the angle is too small to divide by its sine.
#pragma once

#include "merge/vector_kernels.h"

namespace pensieve::merge {

// What the two tensors are multiplied with.
struct SlerpFactors {
  double a = 1;
  double b = 0;
};

// `t` in [0, 1]; 0 gives the first tensor. Tensors of a norm up to 1e-8 are not normalised for the angle;
// a cosine beyond +-0.9995 falls back to linear interpolation.
SlerpFactors slerp_factors(const DotProducts& products, double t);

}  // namespace pensieve::merge
