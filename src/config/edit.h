// Changing config.toml without losing what a person wrote into it: comments, order and layout stay.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace pensieve {

// `text` (of a config.toml) with `key` set to `value`: the value in its place if the key is there,
// else a line at the end of its section, else a new section. `value` is text as set_config_value
// takes it and must be valid. Errors kInvalidArgument: an unknown key (naming the nearest), an
// invalid value, text that is no TOML, or a section written as an inline table.
Result<std::string> set_in_config_text(std::string_view text, std::string_view key, std::string_view value);

// A config.toml of all keys with their help, each commented out at its default.
std::string commented_config();

}  // namespace pensieve
