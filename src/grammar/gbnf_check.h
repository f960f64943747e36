// What a grammar's text must keep to before the sampler sees it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pensieve::grammar {

struct GrammarFacts {
  std::uint64_t shortest = 0;  // bytes of the shortest text that it accepts
  // Bytes that at most have to follow, wherever a text stands, if it is ended on the shortest way; recursion
  // is counted a few levels deep.
  std::uint64_t to_end = 0;
};

// Reads GBNF as the sampler does. Errors name the rule: kInvalidArgument for wrong syntax, an unknown rule,
// a missing `root`, left recursion, and rules that no finite text matches; kUnsupported past the bounds
// on size, nesting and counts that keep the sampler fast. `param` is the request's field.
Result<GrammarFacts> check_grammar(std::string_view text, const std::string& param);

}  // namespace pensieve::grammar
