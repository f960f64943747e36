#include <cmath>
#include <format>

#include "grammar/number_range.h"
#include "grammar/regex.h"
#include "grammar/schema_compiler.h"
#include "grammar/string_formats.h"

namespace pensieve::grammar {

Result<std::string> SchemaCompiler::string(const Json& schema, const std::string& path) {
  const std::uint64_t least = TRY(count(schema, "minLength", path)).value_or(0);
  const auto most = TRY(count(schema, "maxLength", path));
  if (most && *most < least) return wrong("minLength", path, "is more than maxLength");
  std::optional<std::string> expression;
  const char* keyword = "pattern";
  if (const auto pattern = schema.find("pattern"); pattern != schema.end()) {
    if (!pattern->is_string()) return wrong("pattern", path, "must be a string");
    expression = pattern->get<std::string>();
  }
  if (const auto format = schema.find("format"); format != schema.end() && format->is_string()) {
    const std::string name = format->get<std::string>();
    const auto known = format_pattern(name);
    if ((known && expression) || is_unsupported_format(name)) {
      TRY_VOID(cannot_hold("format", path, known ? "beside a pattern" : "'" + name + "'"));
    } else if (known) {
      expression = std::string(*known);
      keyword = "format";
    }
  }
  if (!expression) return quoted(rules_, string_characters(rules_, least, most));
  const Result<Pattern> pattern = compile_pattern(rules_, *expression, {.least = least, .most = most});
  if (!pattern) {
    if (options_.strict && pattern.error().code == ErrorCode::kInvalidArgument) return wrong(keyword, path, pattern.error().message);
    TRY_VOID(cannot_hold(keyword, path, pattern.error().message));
    return quoted(rules_, string_characters(rules_, least, most));
  }
  const bool long_enough = pattern->shortest >= least;
  const bool short_enough = !most || (pattern->longest && *pattern->longest <= *most);
  if (!long_enough) TRY_VOID(cannot_hold("minLength", path, std::format("'{}' beside it allows shorter strings", keyword)));
  if (!short_enough) TRY_VOID(cannot_hold("maxLength", path, std::format("'{}' beside it allows longer strings", keyword)));
  return quoted(rules_, pattern->symbol);
}

Result<std::string> SchemaCompiler::number(const Json& schema, bool whole, const std::string& path) {
  NumberBounds bounds;
  const auto read = [&](const char* keyword) -> Result<std::optional<double>> {
    const auto found = schema.find(keyword);
    if (found == schema.end() || found->is_null() || found->is_boolean()) return std::nullopt;
    if (!found->is_number() || !std::isfinite(found->get<double>())) return wrong(keyword, path, "must be a number");
    return found->get<double>();
  };
  bounds.minimum = TRY(read("minimum"));
  bounds.maximum = TRY(read("maximum"));
  // Draft 4 had booleans here.
  bounds.above_minimum = schema.value("exclusiveMinimum", Json(false)) == true;
  bounds.below_maximum = schema.value("exclusiveMaximum", Json(false)) == true;
  if (const auto above = TRY(read("exclusiveMinimum")); above && (!bounds.minimum || *above >= *bounds.minimum)) {
    bounds.minimum = above;
    bounds.above_minimum = true;
  }
  if (const auto below = TRY(read("exclusiveMaximum")); below && (!bounds.maximum || *below <= *bounds.maximum)) {
    bounds.maximum = below;
    bounds.below_maximum = true;
  }
  if (const auto step = TRY(read("multipleOf")); step) {
    if (*step != 1) TRY_VOID(cannot_hold("multipleOf", path));
    whole = whole || *step == 1;
  }
  Result<std::string> symbol = whole ? integer_in(rules_, bounds) : number_in(rules_, bounds);
  if (symbol) return symbol;
  if (symbol.error().code == ErrorCode::kInvalidArgument) return wrong("minimum", path, "leaves no number: " + symbol.error().message);
  TRY_VOID(cannot_hold(bounds.minimum ? "minimum" : "maximum", path, symbol.error().message));
  return whole ? integer_in(rules_, {}) : number_in(rules_, {});
}

}  // namespace pensieve::grammar
