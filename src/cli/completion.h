// Shell completion scripts.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/command_tree.h"

namespace pensieve::cli {

// A script that completes commands and options in `shell` ("bash", "zsh", "fish"). Error
// kInvalidArgument for another shell.
Result<std::string> completion_script(const Command& root, std::string_view shell);

}  // namespace pensieve::cli
