// SHA-256, as lower-case hexadecimal.
#pragma once

#include <string>
#include <string_view>

namespace pensieve {

std::string sha256_hex(std::string_view bytes);

// True if both are equal; takes the same time wherever they differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace pensieve
