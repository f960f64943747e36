// Random identifiers.
#pragma once

#include <string>
#include <string_view>

namespace pensieve {

// `prefix` followed by `length` characters of [0-9A-Za-z] from the system's random source, e.g.
// random_id("msg_", 24). Thread-safe.
std::string random_id(std::string_view prefix, int length);

}  // namespace pensieve
