#include "engine/llama_vocabulary.h"

#include <limits>

namespace pensieve::engine {
namespace {

std::string text_of(const llama_vocab* vocabulary, Token token) {
  const char* text = token == LLAMA_TOKEN_NULL ? nullptr : llama_vocab_get_text(vocabulary, token);
  return text ? text : "";
}

// The attributes that llama_tokenize parses only with parse_special.
bool is_special(llama_token_attr attributes) { return (attributes & (LLAMA_TOKEN_ATTR_CONTROL | LLAMA_TOKEN_ATTR_UNKNOWN)) != 0; }

}  // namespace

LlamaVocabulary::LlamaVocabulary(const llama_vocab* vocabulary)
    : vocabulary_(vocabulary),
      size_(static_cast<std::size_t>(llama_vocab_n_tokens(vocabulary))),
      begin_text_(text_of(vocabulary, llama_vocab_bos(vocabulary))),
      end_text_(text_of(vocabulary, llama_vocab_eos(vocabulary))) {
  for (std::size_t i = 0; i < size_; ++i) {
    const auto token = static_cast<Token>(i);
    if (!is_special(llama_vocab_get_attr(vocabulary_, token))) continue;
    std::string text = text_of(vocabulary_, token);
    if (!text.empty()) control_texts_.push_back(std::move(text));
  }
}

bool LlamaVocabulary::ends_generation(Token token) const { return llama_vocab_is_eog(vocabulary_, token); }

std::string LlamaVocabulary::piece(Token token, bool special) const {
  std::string bytes(32, '\0');
  for (;;) {
    const int length = llama_token_to_piece(vocabulary_, token, bytes.data(), static_cast<std::int32_t>(bytes.size()), 0, special);
    if (length >= 0) {
      bytes.resize(static_cast<std::size_t>(length));
      return bytes;
    }
    bytes.resize(static_cast<std::size_t>(-length));
  }
}

std::vector<Token> LlamaVocabulary::tokenize(std::string_view text, bool parse_special) const {
  if (text.empty() || text.size() > std::numeric_limits<std::int32_t>::max()) return {};
  const auto length = static_cast<std::int32_t>(text.size());
  std::vector<Token> tokens(text.size() / 2 + 8);
  for (;;) {
    const int count =
        llama_tokenize(vocabulary_, text.data(), length, tokens.data(), static_cast<std::int32_t>(tokens.size()), false, parse_special);
    if (count >= 0) {
      tokens.resize(static_cast<std::size_t>(count));
      return tokens;
    }
    if (count == std::numeric_limits<std::int32_t>::min()) return {};
    tokens.resize(static_cast<std::size_t>(-count));
  }
}

std::optional<Token> LlamaVocabulary::begin_token() const {
  const Token token = llama_vocab_bos(vocabulary_);
  return token == LLAMA_TOKEN_NULL ? std::nullopt : std::optional(token);
}

std::optional<InfillTokens> LlamaVocabulary::infill_tokens() const {
  const InfillTokens tokens{llama_vocab_fim_pre(vocabulary_), llama_vocab_fim_suf(vocabulary_), llama_vocab_fim_mid(vocabulary_)};
  if (tokens.prefix == LLAMA_TOKEN_NULL || tokens.suffix == LLAMA_TOKEN_NULL || tokens.middle == LLAMA_TOKEN_NULL) return {};
  return tokens;
}

bool LlamaVocabulary::begins_prompts() const { return llama_vocab_get_add_bos(vocabulary_); }

}  // namespace pensieve::engine
