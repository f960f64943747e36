// Base64 (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pensieve {

std::string encode_base64(std::string_view bytes);

// Empty if `text` is none. Spaces and line ends between the characters are passed over.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace pensieve
