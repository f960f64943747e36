// How models are merged, as a person says it: method, weights, the position t by layer and tensor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pensieve::merge {

enum class Method : std::uint8_t { kSlerp, kLinear, kTaskArithmetic };

std::string_view to_string(Method method);
Result<Method> parse_method(std::string_view text);

// Values over a model's depth, joined by straight lines.
struct Curve {
  std::vector<double> points = {0.5};
  // `depth` in [0, 1]: 0 the first layer, 1 the last.
  [[nodiscard]] double at(double depth) const;
  [[nodiscard]] std::string text() const;
};

// "0.3", or "0, 0.5, 1" over the depth; each in [0, 1].
Result<Curve> parse_curve(std::string_view text);

// A curve for the tensors whose name contains `pattern`; with a *, for those that fit it as a whole.
struct Filter {
  std::string pattern;
  Curve t;
  [[nodiscard]] bool fits(std::string_view tensor) const;
};

// "attn=0,0.5,1"
Result<Filter> parse_filter(std::string_view text);

struct Recipe {
  Method method = Method::kSlerp;
  Curve t;                      // slerp, and linear of two models without weights
  std::vector<Filter> filters;  // the first that fits decides instead of `t`
  std::vector<double> weights;  // linear (divided by their sum), task-arithmetic; one a model
  std::string type;             // of the output ("q4_k_m"); empty: each tensor keeps its own

  // t for a tensor of a model with that many layers: by the number in "blk.N."; what comes before
  // the layers counts as the first, what comes after them (output) as the last.
  [[nodiscard]] double t_of(std::string_view tensor, std::uint64_t layers) const;
};

// Reads a TOML file: method, t (number or array), weights, type, and [[filter]] with tensor and t.
// Error kInvalidArgument names the line or the key.
Result<Recipe> read_recipe(const std::filesystem::path& path);
Result<Recipe> parse_recipe(std::string_view toml, const std::string& source);

}  // namespace pensieve::merge
