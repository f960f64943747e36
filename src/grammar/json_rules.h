// The rules that all JSON grammars share.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "grammar/json_schema.h"
#include "grammar/rules.h"

namespace pensieve::grammar {

using Json = nlohmann::ordered_json;

// Space that may follow an opening bracket or a comma, or stand before a closing one: little of it, so
// that no model loses itself in blanks.
std::string space(Rules& rules);

// A string with quotes; of `characters` (one symbol), or of any.
std::string quoted(Rules& rules, const std::string& characters);
std::string any_string(Rules& rules);

// `key` as a member's name with colon.
std::string member_name(const std::string& key);

// Exactly this value.
std::string constant(const Json& value, Literals literals);

// `item` between brackets, `least` to `most` times.
std::string list_of(Rules& rules, const std::string& item, std::uint64_t least, std::optional<std::uint64_t> most);

}  // namespace pensieve::grammar
