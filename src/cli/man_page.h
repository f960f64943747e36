// The manual page.
#pragma once

#include <string>
#include <string_view>

#include "cli/command_tree.h"

namespace pensieve::cli {

// Parts of the page that the command tree does not hold.
struct ManFacts {
  std::string version;
  std::string summary;  // the NAME line's text
};

// The page pensieve(1) in roff's man macros: every command with its options and example, then
// settings, files and exit codes.
std::string man_page(const Command& root, const ManFacts& facts);

}  // namespace pensieve::cli
