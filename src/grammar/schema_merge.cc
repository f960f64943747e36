#include <algorithm>
#include <format>

#include "grammar/schema_compiler.h"

namespace pensieve::grammar {
namespace {

bool lists_type(const Json& types, const Json& type) {
  const bool found = types.is_array() ? std::ranges::find(types, type) != types.end() : types == type;
  return found || (type == "integer" && lists_type(types, "number"));
}

Json common_types(const Json& a, const Json& b) {
  const Json listed_a = a.is_array() ? a : Json::array({a});
  const Json listed_b = b.is_array() ? b : Json::array({b});
  Json common = Json::array();
  for (const Json& type : listed_a) {
    if (lists_type(listed_b, type)) common.push_back(type);
  }
  for (const Json& type : listed_b) {
    if (lists_type(listed_a, type) && std::ranges::find(common, type) == common.end()) common.push_back(type);
  }
  return common;
}

Result<void> merge_properties(Json& into, const Json& more, const std::string& path) {
  for (const auto& [key, schema] : more.items()) {
    if (into.contains(key)) {
      into[key] = TRY(merge_schemas(into[key], schema, path + "/" + key));
    } else {
      into[key] = schema;
    }
  }
  return {};
}

Result<void> merge_keyword(Json& into, const std::string& key, const Json& value, const std::string& path) {
  Json& present = into[key];
  if (present == value) return {};
  if (key == "type") {
    present = common_types(present, value);
  } else if (key == "properties" && present.is_object() && value.is_object()) {
    return merge_properties(present, value, path);
  } else if (key == "required" && present.is_array() && value.is_array()) {
    for (const Json& name : value) {
      if (std::ranges::find(present, name) == present.end()) present.push_back(name);
    }
  } else if (key == "enum" && present.is_array() && value.is_array()) {
    std::erase_if(present.get_ref<Json::array_t&>(), [&](const Json& one) { return std::ranges::find(value, one) == value.end(); });
  } else if ((key == "minimum" || key == "exclusiveMinimum" || key.starts_with("min")) && present.is_number() && value.is_number()) {
    if (value > present) present = value;
  } else if ((key == "maximum" || key == "exclusiveMaximum" || key.starts_with("max")) && present.is_number() && value.is_number()) {
    if (value < present) present = value;
  } else if (key == "additionalProperties" || key == "items") {
    present = TRY(merge_schemas(present, value, path + "/" + key));
  } else if (key == "anyOf" || key == "oneOf" || key == "allOf") {
    into["allOf"].push_back(Json{{key, value}});
  } else if (key == "title" || key == "description" || key == "default" || key == "examples" || key == "$defs" || key == "definitions") {
    // Says nothing of values.
  } else {
    return fail(ErrorCode::kUnsupported, std::format("{}: '{}' is given twice with different values", path, key));
  }
  return {};
}

}  // namespace

Result<Json> merge_schemas(const Json& a, const Json& b, const std::string& path) {
  if (a == false || b == false) return Json(false);
  if (a == true) return b;
  if (b == true) return a;
  Json merged = a;
  for (const auto& [key, value] : b.items()) {
    if (merged.contains(key)) {
      TRY_VOID(merge_keyword(merged, key, value, path));
    } else {
      merged[key] = value;
    }
  }
  return merged;
}

}  // namespace pensieve::grammar
