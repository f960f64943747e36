#include "grammar/schema_compiler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <optional>
#include <utility>

namespace pensieve::grammar {
namespace {

constexpr std::size_t kMostNodes = 20'000;
constexpr std::size_t kMostBytes = std::size_t{1} << 20U;
constexpr int kDeepest = 256;

constexpr std::array kTypes = {"object", "array", "string", "number", "integer", "boolean", "null"};

// Keywords that only describe, and the places that references lead to.
bool is_annotation(std::string_view key) {
  constexpr std::array kAnnotations = {"title",     "description", "default",    "examples",    "example", "$comment",      "deprecated", "readOnly",
                                       "writeOnly", "$defs",       "definitions", "$schema",    "$id",     "id",            "$anchor",    "nullable",
                                       "x-order"};
  return std::ranges::contains(kAnnotations, key);
}

Json without(const Json& schema, std::initializer_list<std::string_view> keys) {
  Json rest = Json::object();
  for (const auto& [key, value] : schema.items()) {
    if (!std::ranges::contains(keys, std::string_view(key))) rest[key] = value;
  }
  return rest;
}

bool only_annotations(const Json& schema) {
  return std::ranges::all_of(schema.items(), [](const auto& item) { return is_annotation(item.key()); });
}

bool fits_type(const Json& value, const Json& types) {
  if (types.is_array()) return std::ranges::any_of(types, [&](const Json& type) { return fits_type(value, type); });
  if (types == "object") return value.is_object();
  if (types == "array") return value.is_array();
  if (types == "string") return value.is_string();
  if (types == "number") return value.is_number();
  if (types == "integer") return value.is_number_integer() || (value.is_number_float() && value == std::floor(value.get<double>()));
  if (types == "boolean") return value.is_boolean();
  return types == "null" && value.is_null();
}

// The type that a schema without `type` speaks of; empty: of none.
std::string implied_type(const Json& schema) {
  const auto has = [&](std::initializer_list<const char*> keys) { return std::ranges::any_of(keys, [&](const char* key) { return schema.contains(key); }); };
  if (has({"properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties"})) return "object";
  if (has({"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"})) return "array";
  if (has({"pattern", "minLength", "maxLength", "format"})) return "string";
  if (has({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})) return "number";
  return {};
}

}  // namespace

std::unexpected<Error> SchemaCompiler::wrong(std::string_view keyword, const std::string& path, std::string_view problem) const {
  const std::string where = keyword.empty() ? path : std::format("'{}' at {}", keyword, path);
  return fail(ErrorCode::kInvalidArgument, std::format("schema: {} {}", where, problem), {}, options_.param);
}

Result<void> SchemaCompiler::cannot_hold(std::string_view keyword, const std::string& path, std::string_view reason) const {
  if (!options_.strict) return {};
  return fail(ErrorCode::kUnsupported,
              std::format("schema: '{}' at {} is not supported{}{}", keyword, path, reason.empty() ? "" : ": ", reason),
              "leave it out, and check it in the answer", options_.param);
}

Result<void> SchemaCompiler::refuse(const Json& schema, const std::vector<const char*>& keywords, const std::string& path) const {
  for (const char* keyword : keywords) {
    if (schema.contains(keyword)) TRY_VOID(cannot_hold(keyword, path));
  }
  return {};
}

Result<std::optional<std::uint64_t>> SchemaCompiler::count(const Json& schema, const char* keyword, const std::string& path) const {
  const auto found = schema.find(keyword);
  if (found == schema.end() || found->is_null()) return std::nullopt;
  const double value = found->is_number() ? found->get<double>() : -1;
  if (value < 0 || value != static_cast<double>(static_cast<std::int64_t>(std::min(value, 1e18)))) {
    return wrong(keyword, path, "must be a whole number of 0 or more");
  }
  return static_cast<std::uint64_t>(std::min(value, 1e18));
}

Result<std::string> SchemaCompiler::compile(const Json& schema, const std::string& path) {
  if (++nodes_ > kMostNodes || rules_.bytes() > kMostBytes || depth_ >= kDeepest) {
    return fail(ErrorCode::kUnsupported, std::format("schema: too large or too deep at {}", path), "use a smaller schema", options_.param);
  }
  if (schema == true) return any_value(rules_, options_.literals);
  if (schema == false) return wrong("", path, "accepts no value");
  if (!schema.is_object()) return wrong("", path, "must be an object, true or false");
  ++depth_;
  Result<std::string> symbol = compile_node(schema, path);
  --depth_;
  return symbol;
}

Result<std::string> SchemaCompiler::compile_node(const Json& schema, const std::string& path) {
  if (const auto target = schema.find("$ref"); target != schema.end()) {
    if (!target->is_string()) return wrong("$ref", path, "must be a string");
    const Json beside = without(schema, {"$ref"});
    if (only_annotations(beside)) return reference(target->get<std::string>(), path);
    const Json meant = TRY(resolve(target->get<std::string>(), path));
    const Json merged = TRY(merge_schemas(meant, beside, path));
    return compile(merged, path);
  }
  TRY_VOID(refuse(schema, {"not", "if", "dependentSchemas", "dependentRequired", "dependencies", "$dynamicRef", "$recursiveRef"}, path));
  if (const auto value = schema.find("const"); value != schema.end()) return enumeration(schema, Json::array({*value}), path);
  if (const auto values = schema.find("enum"); values != schema.end()) return enumeration(schema, *values, path);
  if (schema.contains("allOf") || schema.contains("anyOf") || schema.contains("oneOf")) {
    std::string options;
    Result<std::string> last = wrong("", path, "accepts no value");
    for (const Json& option : TRY(alternatives(schema, path))) {
      last = compile(option, path);
      // An alternative that contradicts what stands beside it drops out, as long as another is left.
      if (!last && last.error().code == ErrorCode::kUnsupported) return last;
      if (last) options += (options.empty() ? "" : " | ") + *last;
    }
    if (options.empty()) return last;
    return rules_.add("any-of", options);
  }
  const auto type = schema.find("type");
  if (type == schema.end()) {
    const std::string implied = implied_type(schema);
    return implied.empty() ? any_value(rules_, options_.literals) : typed(schema, implied, path);
  }
  Json types = type->is_array() ? *type : Json::array({*type});
  if (schema.contains("nullable") && schema["nullable"] == true) types.push_back("null");
  if (types.empty()) return wrong("type", path, "leaves no type");
  std::string options;
  for (const Json& one : types) {
    if (!one.is_string() || !std::ranges::contains(kTypes, one.get<std::string>())) return wrong("type", path, "names no JSON type");
    options += (options.empty() ? "" : " | ") + TRY(typed(schema, one.get<std::string>(), path));
  }
  return types.size() == 1 ? options : rules_.add("types", options);
}

Result<std::vector<Json>> SchemaCompiler::alternatives(const Json& schema, const std::string& path) {
  std::vector<Json> found{without(schema, {"allOf", "anyOf", "oneOf"})};
  for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
    const auto parts = schema.find(keyword);
    if (parts == schema.end()) continue;
    if (!parts->is_array() || parts->empty()) return wrong(keyword, path, "must be an array with at least one schema");
    std::vector<Json> next;
    for (const Json& before : found) {
      Json all = before;
      for (std::size_t i = 0; i < parts->size(); ++i) {
        if (++nodes_ > kMostNodes) return wrong(keyword, path, "has too many combinations");
        const std::string where = std::format("{}/{}/{}", path, keyword, i);
        Json part = (*parts)[i];
        if (!part.is_object() && !part.is_boolean()) return wrong("", where, "must be an object, true or false");
        const bool conjunction = std::string_view(keyword) == "allOf";
        const bool alone = only_annotations(all);
        if (part.is_object() && part.contains("$ref") && (conjunction || !alone)) {
          if (!part["$ref"].is_string()) return wrong("$ref", where, "must be a string");
          const Json meant = TRY(resolve(part["$ref"].get<std::string>(), where));
          part = TRY(merge_schemas(meant, without(part, {"$ref"}), where));
        }
        if (conjunction) {
          all = alone ? part : TRY(merge_schemas(all, part, where));
        } else {
          next.push_back(alone ? part : TRY(merge_schemas(all, part, where)));
        }
      }
      if (std::string_view(keyword) == "allOf") next.push_back(std::move(all));
    }
    found = std::move(next);
  }
  return found;
}

Result<Json> SchemaCompiler::resolve(const std::string& target, const std::string& path) const {
  if (!target.starts_with('#')) return wrong("$ref", path, std::format("'{}' leads outside of the schema", target));
  try {
    return document_.at(Json::json_pointer(target.substr(1)));
  } catch (const Json::exception&) {
    return wrong("$ref", path, std::format("'{}' leads nowhere", target));
  }
}

Result<std::string> SchemaCompiler::reference(const std::string& target, const std::string& path) {
  if (const auto known = references_.find(target); known != references_.end()) return known->second;
  const Json schema = TRY(resolve(target, path));
  const std::string name = rules_.declare("ref-" + target);
  references_[target] = name;
  Result<std::string> body = compile(schema, target);
  if (!body) references_.erase(target);
  rules_.define(name, body.value_or("\"\""));
  TRY_VOID(body);
  return name;
}

Result<std::string> SchemaCompiler::enumeration(const Json& schema, const Json& values, const std::string& path) {
  if (!values.is_array() || values.empty()) return wrong("enum", path, "must be an array with at least one value");
  std::string options;
  for (const Json& value : values) {
    if (schema.contains("type") && !fits_type(value, schema["type"])) continue;
    if (schema.contains("const") && schema.contains("enum") && std::ranges::find(schema["enum"], value) == schema["enum"].end()) continue;
    if (++nodes_ > kMostNodes) return wrong("enum", path, "has too many values");
    options += (options.empty() ? "" : " | ") + constant(value, options_.literals);
  }
  if (options.empty()) return wrong("enum", path, "has no value of the type given");
  return rules_.add("enum", options);
}

Result<std::string> SchemaCompiler::typed(const Json& schema, const std::string& type, const std::string& path) {
  const bool python = options_.literals == Literals::kPython;
  if (type == "object") return object(schema, path);
  if (type == "array") return array(schema, path);
  if (type == "string") return string(schema, path);
  if (type == "integer" || type == "number") return number(schema, type == "integer", path);
  if (type == "boolean") return rules_.add("boolean", python ? R"("True" | "False")" : R"("true" | "false")");
  return rules_.add("null", python ? "\"None\"" : "\"null\"");
}

}  // namespace pensieve::grammar
