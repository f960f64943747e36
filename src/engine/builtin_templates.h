// Chat templates for models whose file has none.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pensieve::engine {

// A family of models that were trained on the same form of conversation.
struct BuiltinTemplate {
  std::string_view name;    // "chatml"
  std::string_view source;  // Jinja
  // How a model of the family is known: one of `tokens` in its vocabulary, or else one of `names`
  // within its lower-case architecture or name.
  std::vector<std::string_view> tokens;
  std::vector<std::string_view> names;
  // Text that ends the model's turn, if its vocabulary has no such control token.
  std::vector<std::string_view> turn_ends;
};

// All families; the first that knows a model wins, ChatML serves those that none knows.
std::span<const BuiltinTemplate> builtin_templates();

// The family of a model. `control_texts`: texts of its control tokens.
const BuiltinTemplate& builtin_template_for(std::string_view architecture, std::string_view name,
                                            std::span<const std::string> control_texts);

}  // namespace pensieve::engine
