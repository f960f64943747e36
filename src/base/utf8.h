// UTF-8 as streams and requests need it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pensieve {

// True if `text` is valid UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_valid_utf8(std::string_view text);

// Length of the longest prefix that ends at a character border: bytes of an unfinished but so far
// valid character at the end are left out. Invalid bytes count as characters of one byte.
std::size_t complete_utf8_prefix(std::string_view text);

// `text` with each maximal invalid part replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

}  // namespace pensieve
