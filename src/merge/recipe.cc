#include "merge/recipe.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <format>
#include <utility>

namespace pensieve::merge {
namespace {

constexpr std::array<std::pair<std::string_view, Method>, 3> kMethods = {
    {{"slerp", Method::kSlerp}, {"linear", Method::kLinear}, {"task-arithmetic", Method::kTaskArithmetic}}};
constexpr std::size_t kMostPoints = 1000;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Text before the first '*' must begin, after the last must end, and what is between follow in order.
bool glob(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  pattern.remove_prefix(star + 1);
  text.remove_prefix(star);
  for (std::size_t next = pattern.find('*'); next != std::string_view::npos; next = pattern.find('*')) {
    const std::size_t at = text.find(pattern.substr(0, next));
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + next);
    pattern.remove_prefix(next + 1);
  }
  return text.ends_with(pattern);
}

double depth_of(std::string_view tensor, std::uint64_t layers) {
  constexpr std::string_view kBlock = "blk.";
  if (!tensor.starts_with(kBlock)) return tensor.starts_with("output") ? 1 : 0;
  std::uint64_t layer = 0;
  std::from_chars(tensor.data() + kBlock.size(), tensor.data() + tensor.size(), layer);
  return layers > 1 ? std::min(1.0, static_cast<double>(layer) / static_cast<double>(layers - 1)) : 0;
}

}  // namespace

std::string_view to_string(Method method) {
  return std::ranges::find(kMethods, method, &std::pair<std::string_view, Method>::second)->first;
}

Result<Method> parse_method(std::string_view text) {
  const auto* found = std::ranges::find(kMethods, text, &std::pair<std::string_view, Method>::first);
  if (found != kMethods.end()) return found->second;
  return fail(ErrorCode::kInvalidArgument, std::format("unknown method '{}'", text), "use slerp, linear or task-arithmetic");
}

double Curve::at(double depth) const {
  const double place = depth * static_cast<double>(points.size() - 1);
  const auto before = std::min(static_cast<std::size_t>(place), points.size() - 1);
  const std::size_t after = std::min(before + 1, points.size() - 1);
  const double share = place - static_cast<double>(before);
  return share == 0 ? points[before] : (1 - share) * points[before] + share * points[after];
}

std::string Curve::text() const {
  std::string text;
  for (const double point : points) text += std::format("{}{}", text.empty() ? "" : ",", point);
  return text;
}

Result<Curve> parse_curve(std::string_view text) {
  Curve curve{.points = {}};
  while (curve.points.size() < kMostPoints) {
    const std::size_t comma = text.find(',');
    const std::string_view number = trimmed(text.substr(0, comma));
    double value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc{} || end != number.data() + number.size() || !(value >= 0 && value <= 1)) {
      return fail(ErrorCode::kInvalidArgument, std::format("t = '{}' is not a number from 0 to 1", number),
                  "give one number, or several with commas between for a curve over the layers");
    }
    curve.points.push_back(value);
    if (comma == std::string_view::npos) return curve;
    text.remove_prefix(comma + 1);
  }
  return fail(ErrorCode::kInvalidArgument, std::format("a curve has more than {} points", kMostPoints), "give one point a layer at most");
}

bool Filter::fits(std::string_view tensor) const { return pattern.contains('*') ? glob(pattern, tensor) : tensor.contains(pattern); }

Result<Filter> parse_filter(std::string_view text) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos || equals == 0) {
    return fail(ErrorCode::kInvalidArgument, std::format("filter '{}' is not of the form TENSOR=T", text), "for example attn=0,0.5,1");
  }
  return Filter{std::string(text.substr(0, equals)), TRY(parse_curve(text.substr(equals + 1)))};
}

double Recipe::t_of(std::string_view tensor, std::uint64_t layers) const {
  const auto filter = std::ranges::find_if(filters, [&](const Filter& one) { return one.fits(tensor); });
  return (filter == filters.end() ? t : filter->t).at(depth_of(tensor, layers));
}

}  // namespace pensieve::merge
