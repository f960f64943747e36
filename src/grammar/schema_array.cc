#include <format>

#include "grammar/schema_compiler.h"

namespace pensieve::grammar {

Result<std::string> SchemaCompiler::array(const Json& schema, const std::string& path) {
  TRY_VOID(refuse(schema, {"contains", "minContains", "maxContains", "unevaluatedItems"}, path));
  const auto most = TRY(count(schema, "maxItems", path));
  if (schema.value("uniqueItems", Json(false)) == true && most.value_or(2) > 1) TRY_VOID(cannot_hold("uniqueItems", path));
  const Json items = schema.value("items", Json(true));
  if (schema.contains("prefixItems")) return tuple(schema, schema["prefixItems"], path);
  if (items.is_array()) return tuple(schema, items, path);
  const auto least = TRY(count(schema, "minItems", path));
  if (most && least.value_or(0) > *most) return wrong("minItems", path, "is more than maxItems");
  if (items == false || most == 0) {
    if (least.value_or(0) > 0) return wrong("minItems", path, "asks for items where none are allowed");
    return list_of(rules_, "", 0, 0);
  }
  return list_of(rules_, TRY(compile(items, path + "/items")), least.value_or(0), most);
}

// Items by position, then any number of further ones where the schema gives them a schema.
Result<std::string> SchemaCompiler::tuple(const Json& schema, const Json& prefix, const std::string& path) {
  if (!prefix.is_array()) return wrong("prefixItems", path, "must be an array");
  const auto least = TRY(count(schema, "minItems", path));
  const auto most = TRY(count(schema, "maxItems", path));
  const char* keyword = schema.contains("prefixItems") ? "items" : "additionalItems";
  const bool has_others = schema.contains(keyword);
  const Json others = schema.value(keyword, Json(least.value_or(0) > prefix.size()));
  const std::uint64_t fixed = std::min<std::uint64_t>(prefix.size(), most.value_or(prefix.size()));
  const std::string blank = space(rules_);
  std::string body;
  for (std::uint64_t i = 0; i < fixed; ++i) {
    const std::string item = TRY(compile(prefix[i], std::format("{}/prefixItems/{}", path, i)));
    body += (i > 0 ? std::format(R"( "," {} )", blank) : "") + item;
  }
  if (others != false && fixed == prefix.size() && (has_others || least.value_or(0) > fixed)) {
    const std::string item = TRY(compile(others, std::format("{}/{}", path, keyword)));
    if (fixed == 0) return list_of(rules_, item, least.value_or(0), most);
    const std::string more = rules_.add("more", std::format(R"("," {} {})", blank, item));
    const std::uint64_t further = least.value_or(0) > fixed ? *least - fixed : 0;
    if (!most || *most > fixed) body += " " + repeat(rules_, more, further, most ? std::optional(*most - fixed) : std::nullopt);
  } else if (least.value_or(0) > fixed) {
    return wrong("minItems", path, "is more than the items allowed");
  }
  return rules_.add("tuple", std::format(R"("[" {0} {1} {0} "]")", blank, body.empty() ? "\"\"" : body));
}

}  // namespace pensieve::grammar
