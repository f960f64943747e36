// The structure of a regular expression.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "grammar/code_points.h"

namespace pensieve::grammar {

struct RegexNode {
  enum class Kind : std::uint8_t { kCharacters, kSequence, kAlternatives, kRepeat };
  Kind kind = Kind::kSequence;
  CodeSet characters = {};               // kCharacters: one of these
  std::vector<RegexNode> children = {};  // one for kRepeat
  std::uint64_t least = 0;               // kRepeat
  std::optional<std::uint64_t> most = {};
};

struct ParsedRegex {
  RegexNode root;
  bool from_start = false;  // anchored by ^
  bool to_end = false;      // anchored by $
};

// Errors as compile_pattern.
Result<ParsedRegex> parse_regex(std::string_view pattern);

}  // namespace pensieve::grammar
