// The structure of a GBNF grammar.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pensieve::grammar {

// One item of a sequence.
struct GbnfItem {
  enum class Kind : std::uint8_t { kBytes, kRule };
  Kind kind = Kind::kBytes;
  std::uint64_t bytes = 0;  // kBytes: of the text, at least
  std::size_t rule = 0;     // kRule: index; a group is a rule without a name
  std::uint64_t least = 1;
  std::uint64_t most = 1;  // kEndless: no bound
  static constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();
};

using GbnfSequence = std::vector<GbnfItem>;

struct GbnfRule {
  std::string name;
  std::vector<GbnfSequence> options;
  bool defined = false;
};

struct Gbnf {
  std::vector<GbnfRule> rules;
  std::size_t root = 0;
};

// Errors as check_grammar's, but for left recursion and endless rules.
Result<Gbnf> parse_gbnf(std::string_view text);

}  // namespace pensieve::grammar
