#include "grammar/json_schema.h"

#include <format>

#include "grammar/schema_compiler.h"

namespace pensieve::grammar {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20U;
constexpr int kDeepest = 128;

// Brackets that are open at most, found without recursion.
int depth_of(std::string_view text) {
  int deepest = 0;
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<std::string> compile_schema(Rules& rules, std::string_view schema, const SchemaOptions& options) {
  if (schema.size() > kMostBytes || depth_of(schema) > kDeepest) {
    return fail(ErrorCode::kUnsupported, "schema: too large or nested too deep", "use a smaller schema", options.param);
  }
  const Json document = Json::parse(schema, nullptr, false);
  if (document.is_discarded()) return fail(ErrorCode::kInvalidArgument, "schema: it is not JSON", {}, options.param);
  try {
    return SchemaCompiler(rules, document, options).compile(document, "#");
  } catch (const Json::exception& error) {
    return fail(ErrorCode::kInvalidArgument, std::format("schema: {}", error.what()), {}, options.param);
  }
}

Result<std::string> schema_grammar(std::string_view schema, const SchemaOptions& options) {
  Rules rules;
  const std::string root = TRY(compile_schema(rules, schema, options));
  return rules.text(root);
}

std::string json_object_grammar() {
  Rules rules;
  const std::string root = any_object(rules, Literals::kJson);
  return rules.text(root);
}

}  // namespace pensieve::grammar
