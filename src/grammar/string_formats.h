// Values of JSON Schema's `format` as regular expressions.
#pragma once

#include <optional>
#include <string_view>

namespace pensieve::grammar {

// A pattern of which every match is valid (not every valid string matches); empty: unknown format.
std::optional<std::string_view> format_pattern(std::string_view format);

// Formats of the standard that have no pattern here.
bool is_unsupported_format(std::string_view format);

}  // namespace pensieve::grammar
