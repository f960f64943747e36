// The vocabulary of a libllama model.
#pragma once

#include "engine/llama_api.h"
#include "engine/vocabulary.h"

namespace pensieve::engine {

// Refers to the vocabulary of a model that outlives it.
class LlamaVocabulary final : public Vocabulary {
 public:
  explicit LlamaVocabulary(const llama_vocab* vocabulary);

  [[nodiscard]] const llama_vocab* handle() const { return vocabulary_; }

  [[nodiscard]] std::size_t size() const override { return size_; }
  [[nodiscard]] bool ends_generation(Token token) const override;
  [[nodiscard]] std::string piece(Token token, bool special) const override;
  [[nodiscard]] std::vector<Token> tokenize(std::string_view text, bool parse_special) const override;
  [[nodiscard]] std::optional<Token> begin_token() const override;
  [[nodiscard]] bool begins_prompts() const override;
  [[nodiscard]] std::optional<InfillTokens> infill_tokens() const override;
  [[nodiscard]] const std::string& begin_text() const override { return begin_text_; }
  [[nodiscard]] const std::string& end_text() const override { return end_text_; }
  [[nodiscard]] const std::vector<std::string>& control_texts() const override { return control_texts_; }

 private:
  const llama_vocab* vocabulary_;
  std::size_t size_;
  std::string begin_text_;
  std::string end_text_;
  std::vector<std::string> control_texts_;
};

}  // namespace pensieve::engine
