// "Did you mean": the known name that is nearest to a wrong one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pensieve {

// By edit distance (insertions, deletions, substitutions); empty if `known` is.
std::string nearest(std::string_view name, const std::vector<std::string>& known);

}  // namespace pensieve
