// Chat templates for models whose file has none.
#pragma once

#include <functional>
#include <string_view>

namespace pensieve::engine {

struct BuiltinTemplate {
  std::string_view name;    // "chatml", "llama-2", ...
  std::string_view source;  // Jinja
};

// What is known of a model when its file has no template.
struct TemplateHints {
  std::string_view architecture;                       // general.architecture
  std::string_view name;                               // general.name and file name
  std::function<bool(std::string_view)> has_token;     // is this text one token of the vocabulary?
};

// The family's template by the tokens that only it has, then by name and architecture; ChatML when
// nothing tells.
const BuiltinTemplate& choose_builtin_template(const TemplateHints& hints);

// By name; null if there is none.
const BuiltinTemplate* find_builtin_template(std::string_view name);

}  // namespace pensieve::engine
