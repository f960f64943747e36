#include "merge/slerp.h"

#include <algorithm>
#include <cmath>

namespace pensieve::merge {
namespace {

constexpr double kSmallestNorm = 1e-8;
constexpr double kColinear = 0.9995;

double divisor(double squares) {
  const double norm = std::sqrt(squares);
  return norm > kSmallestNorm ? norm : 1.0;
}

}  // namespace

SlerpFactors slerp_factors(const DotProducts& products, double t) {
  const double cosine = std::clamp(products.ab / (divisor(products.aa) * divisor(products.bb)), -1.0, 1.0);
  if (std::abs(cosine) > kColinear) return {1 - t, t};
  const double angle = std::acos(cosine);
  const double sine = std::sin(angle);
  return {std::sin((1 - t) * angle) / sine, std::sin(t * angle) / sine};
}

}  // namespace pensieve::merge
