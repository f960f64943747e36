// Regular expressions as JSON Schema's `pattern` has them, as grammar of what stands between a JSON
// string's quotes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/rules.h"

namespace pensieve::grammar {

struct Pattern {
  std::string symbol;                         // one symbol
  std::uint64_t shortest = 0;                 // in characters, unescaped
  std::optional<std::uint64_t> longest = {};  // absent: no bound
};

// Lengths that the whole string must keep to, where the expression leaves room for it.
struct LengthBounds {
  std::uint64_t least = 0;
  std::optional<std::uint64_t> most = {};
};

// The subset: literals, escapes, classes, groups, alternatives, quantifiers, and anchors at the ends. A
// side without an anchor may be preceded or followed by a few characters of any kind. Error kUnsupported for
// look-around, back references, \b, \p and flags; kInvalidArgument for what is no regular expression.
Result<Pattern> compile_pattern(Rules& rules, std::string_view pattern, const LengthBounds& bounds = {});

// Strings of `least` to `most` characters.
std::string string_characters(Rules& rules, std::uint64_t least, std::optional<std::uint64_t> most);

}  // namespace pensieve::grammar
