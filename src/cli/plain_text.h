// Foreign text (of models and files) made harmless for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace pensieve::cli {

// `text` with invalid UTF-8 replaced and each control character shown as '?', so that it can't command
// the terminal. `keep_layout` keeps line feeds and tabs.
std::string plain_text(std::string_view text, bool keep_layout);

}  // namespace pensieve::cli
