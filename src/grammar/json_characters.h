// Characters as they stand within a JSON string.
#pragma once

#include <string>

#include "grammar/code_points.h"

namespace pensieve::grammar {

// Characters that never stand for themselves in the strings that rules of this folder allow.
CodeSet escaped_characters();

// Body of a rule for one character of `set`: itself, or its escape where JSON wants one.
std::string json_character(const CodeSet& set);

// Any character, with every escape but that of a surrogate, which has no UTF-8.
std::string any_json_character();

}  // namespace pensieve::grammar
