// Keeps client text from acting as control tokens: before rendering, each control token's text in a
// message is replaced by a placeholder of private-use characters; after rendering, the prompt is cut
// at the placeholders and their texts are tokenized as plain text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/llama_model.h"

namespace pensieve::engine {

class LiteralText {
 public:
  explicit LiteralText(const std::vector<std::string>& control_texts);

  // Texts replaced in one prompt, by placeholder number.
  using Replaced = std::vector<std::string>;

  [[nodiscard]] std::string protect(std::string_view text, Replaced& replaced) const;
  // Neighbouring parts of one kind are joined, so that ordinary text is tokenized in one piece.
  [[nodiscard]] static std::vector<PromptPart> split(std::string_view prompt,
                                                     const Replaced& replaced);

 private:
  std::vector<std::vector<std::string>> by_first_byte_;  // longest first
};

}  // namespace pensieve::engine
