#include <algorithm>
#include <format>
#include <map>

#include "grammar/json_characters.h"
#include "grammar/regex.h"
#include "grammar/schema_compiler.h"

namespace pensieve::grammar {
namespace {

constexpr std::size_t kMostMembers = 500;

// Names as a tree of their characters.
struct NameTree {
  std::map<char32_t, NameTree> next;
  bool ends = false;
};

// Symbol of what may follow in a name that is none of the tree's. Escapes are left out: they could spell
// one of the names.
std::string other_name(Rules& rules, const NameTree& tree, bool may_be_empty) {
  CodeSet taken = escaped_characters();
  const std::string tail = rules.add("name-tail", R"([^"\\\x7F\x00-\x1F]{0,64})");
  for (const auto& [point, below] : tree.next) taken.add(point, point);
  std::string body = std::format("{} {}", rules.add("name-char", json_character(taken.complement())), tail);
  for (const auto& [point, below] : tree.next) {
    const std::string rest = other_name(rules, below, true);
    body += std::format(" | {} {}", literal(to_utf8(point)), rest);
  }
  if (may_be_empty && !tree.ends) body += " | \"\"";
  return rules.add("other-name", body);
}

}  // namespace

Result<std::string> SchemaCompiler::member_value(const Json& schema, const std::string& key, const std::string& path) {
  const auto properties = schema.find("properties");
  if (properties != schema.end() && properties->contains(key)) return compile((*properties)[key], path + "/properties/" + key);
  const auto others = schema.find("additionalProperties");
  return others == schema.end() ? any_value(rules_, options_.literals) : compile(*others, path + "/additionalProperties");
}

// A member whose name is not among `properties`; empty: the schema has none.
Result<std::string> SchemaCompiler::other_member(const Json& schema, const Json& properties, const std::string& path) {
  const auto others = schema.find("additionalProperties");
  if (others == schema.end() || *others == false) return std::string();
  NameTree tree;
  const CodeSet escaped = escaped_characters();
  for (const auto& [key, value] : properties.items()) {
    const auto points = code_points(key);
    if (std::ranges::any_of(points, [&](char32_t point) { return escaped.contains(point); }))
      continue;  // no name without escapes can spell it
    NameTree* at = &tree;
    for (const char32_t point : points) at = &at->next[point];
    at->ends = true;
  }
  const std::string value = TRY(compile(*others, path + "/additionalProperties"));
  return rules_.add("other-member", std::format(R"("\"" {} "\":" [ ]? {})", other_name(rules_, tree, false), value));
}

Result<std::string> SchemaCompiler::object(const Json& schema, const std::string& path) {
  Json properties = schema.value("properties", Json::object());
  if (!properties.is_object()) return wrong("properties", path, "must be an object");
  const Json required = schema.value("required", Json::array());
  if (!required.is_array()) return wrong("required", path, "must be an array");
  for (const Json& name : required) {
    if (!name.is_string()) return wrong("required", path, "must hold strings");
    if (!properties.contains(name.get<std::string>()))
      properties[name.get<std::string>()] = schema.value("additionalProperties", Json(true));
  }
  if (properties.size() > kMostMembers) return wrong("properties", path, std::format("has more than {} members", kMostMembers));
  if (properties.empty()) return map(schema, path);
  TRY_VOID(refuse(schema, {"patternProperties", "propertyNames"}, path));
  const auto least = TRY(count(schema, "minProperties", path));
  const auto most = TRY(count(schema, "maxProperties", path));
  if (least.value_or(0) > required.size()) TRY_VOID(cannot_hold("minProperties", path, "it is more than 'required' names"));

  const std::string blank = space(rules_);
  const std::string other = TRY(other_member(schema, properties, path));
  if (most && (*most < properties.size() || !other.empty()))
    TRY_VOID(cannot_hold("maxProperties", path, "it is less than 'properties' names"));
  // From the last member to the first: what may follow once a member is written, and before any is.
  std::string after = other.empty() ? "\"\"" : rules_.add("others", std::format(R"(("," {} {})*)", blank, other));
  std::string before = other.empty() ? "\"\"" : rules_.add("others", std::format("({} {})?", other, after));
  for (auto member = properties.rbegin(); member != properties.rend(); ++member) {
    const std::string& key = member.key();
    const bool needed = std::ranges::find(required, Json(key)) != required.end();
    const std::string value = TRY(compile(*member, path + "/properties/" + key));
    const std::string pair = rules_.add("member-" + key, std::format("{} {}", member_name(key), value));
    const std::string next_after = std::format(R"("," {} {} {})", blank, pair, after);
    const std::string next_before = std::format("{} {}", pair, after);
    before = rules_.add("first", needed ? next_before : std::format("{} | {}", next_before, before));
    after = rules_.add("then", needed ? next_after : std::format("{} | {}", next_after, after));
  }
  return rules_.add("object", std::format(R"("{{" {0} {1} {0} "}}")", blank, before));
}

// An object without named members.
Result<std::string> SchemaCompiler::map(const Json& schema, const std::string& path) {
  std::string name = any_string(rules_);
  Json value_schema = schema.value("additionalProperties", Json(true));
  std::string value_path = path + "/additionalProperties";
  if (const auto patterns = schema.find("patternProperties"); patterns != schema.end() && !patterns->empty()) {
    if (!patterns->is_object()) return wrong("patternProperties", path, "must be an object");
    if (patterns->size() > 1) TRY_VOID(cannot_hold("patternProperties", path, "more than one pattern"));
    const auto first = patterns->begin();
    auto pattern = compile_pattern(rules_, first.key());
    if (!pattern) TRY_VOID(cannot_hold("patternProperties", path, pattern.error().message));
    if (pattern) name = quoted(rules_, pattern->symbol);
    value_schema = *first;
    value_path = path + "/patternProperties/" + first.key();
  } else if (const auto names = schema.find("propertyNames"); names != schema.end()) {
    Json strings = names->is_object() ? *names : Json::object();
    strings["type"] = "string";
    name = TRY(compile(strings, path + "/propertyNames"));
  }
  const auto least = TRY(count(schema, "minProperties", path));
  const auto most = TRY(count(schema, "maxProperties", path));
  if (least.value_or(0) > 1) TRY_VOID(cannot_hold("minProperties", path, "names could come twice"));
  if (value_schema == false || most == 0) return rules_.add("object", R"("{" [ ]? "}")");
  const std::string blank = space(rules_);
  const std::string pair = rules_.add("member", std::format(R"({} ":" [ ]? {})", name, TRY(compile(value_schema, value_path))));
  const std::string more = rules_.add("more", std::format(R"("," {} {})", blank, pair));
  const std::string tail = repeat(rules_, more, 0, most ? std::optional(*most - 1) : std::nullopt);
  const std::string filled = std::format(R"("{{" {0} {1} {2} {0} "}}")", blank, pair, tail);
  return rules_.add("object", least.value_or(0) > 0 ? filled : R"("{" [ ]? "}" | )" + filled);
}

}  // namespace pensieve::grammar
