#include "grammar/json_rules.h"

#include <format>

#include "grammar/number_range.h"
#include "grammar/regex.h"

namespace pensieve::grammar {
namespace {

// JSON text of `value` with a space after each comma and colon, as models write it.
std::string spaced(const Json& value, Literals literals) {
  const bool python = literals == Literals::kPython;
  if (value.is_object()) {
    std::string text;
    for (const auto& [key, member] : value.items()) {
      text += (text.empty() ? "" : ", ") + Json(key).dump(-1, ' ', false, Json::error_handler_t::replace) + ": " + spaced(member, literals);
    }
    return "{" + text + "}";
  }
  if (value.is_array()) {
    std::string text;
    for (const Json& item : value) text += (text.empty() ? "" : ", ") + spaced(item, literals);
    return "[" + text + "]";
  }
  if (python && value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (python && value.is_null()) return "None";
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string space(Rules& rules) { return rules.add("space", R"(" " | "\n" [ ]{0,24} | "")"); }

std::string quoted(Rules& rules, const std::string& characters) { return rules.add("string", std::format(R"("\"" {} "\"")", characters)); }

std::string any_string(Rules& rules) { return quoted(rules, string_characters(rules, 0, std::nullopt)); }

std::string member_name(const std::string& key) {
  return literal(Json(key).dump(-1, ' ', false, Json::error_handler_t::replace) + ":") + " [ ]?";
}

std::string constant(const Json& value, Literals literals) { return literal(spaced(value, literals)); }

std::string list_of(Rules& rules, const std::string& item, std::uint64_t least, std::optional<std::uint64_t> most) {
  const std::string blank = space(rules);
  if (most == 0) return rules.add("list", R"("[" [ ]? "]")");
  const std::string more = rules.add("more", std::format(R"("," {} {})", blank, item));
  const std::uint64_t further = least > 0 ? least - 1 : 0;
  const std::string tail = repeat(rules, more, further, most ? std::optional(*most - 1) : std::nullopt);
  const std::string filled = std::format(R"("[" {} {} {} {} "]")", blank, item, tail, blank);
  return rules.add("list", least == 0 ? std::format(R"("[" [ ]? "]" | {})", filled) : filled);
}

std::string any_value(Rules& rules, Literals literals) {
  const bool python = literals == Literals::kPython;
  const std::string name = python ? "any-literal" : "any-value";
  if (rules.contains(name)) return name;
  rules.define(name, "");  // it leads to itself
  const std::string words = python ? R"("True" | "False" | "None")" : R"("true" | "false" | "null")";
  const std::string number = number_in(rules, {}).value_or("\"0\"");
  rules.define(name, std::format("{} | {} | {} | {} | {}", any_string(rules), number, words,
                                 list_of(rules, name, 0, std::nullopt), any_object(rules, literals)));
  return name;
}

std::string any_object(Rules& rules, Literals literals) {
  const std::string blank = space(rules);
  const std::string member = rules.add("any-member", std::format(R"({} ":" [ ]? {})", any_string(rules), any_value(rules, literals)));
  return rules.add("any-object", std::format(R"("{{" [ ]? "}}" | "{{" {0} {1} ("," {0} {1})* {0} "}}")", blank, member));
}

}  // namespace pensieve::grammar
