// A grammar of whole texts over the vocabulary of bytes, for tests.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/fake_batch_model.h"
#include "engine/token_grammar.h"

namespace pensieve::engine {

// Accepts the texts of a list.
class FakeGrammar final : public TokenGrammar {
 public:
  explicit FakeGrammar(std::vector<std::string> texts) : texts_(std::move(texts)) {}

  class State final : public GrammarState {
   public:
    State(const std::vector<std::string>& texts, int& looks) : texts_(&texts), looks_(&looks) {}
    [[nodiscard]] std::vector<bool> allows(std::span<const Token> tokens) const override {
      std::vector<bool> allowed;
      for (const Token token : tokens) {
        const bool end = token == FakeVocabulary::kEnd;
        const std::string next = end || token > 255 ? text_ : text_ + static_cast<char>(token);
        allowed.push_back(token <= FakeVocabulary::kEnd && std::ranges::any_of(*texts_, [&](const std::string& text) {
                            return end ? text == next : text.starts_with(next);
                          }));
      }
      return allowed;
    }
    [[nodiscard]] std::unique_ptr<GrammarState> clone() const override {
      ++*looks_;
      return std::make_unique<State>(*this);
    }
    void accept(Token token) override { text_ += static_cast<char>(token); }

   private:
    const std::vector<std::string>* texts_;
    int* looks_;
    std::string text_;
  };

  [[nodiscard]] std::unique_ptr<GrammarState> begin() const override { return std::make_unique<State>(texts_, looks); }
  [[nodiscard]] const grammar::GrammarFacts& facts() const override { return facts_; }

  mutable int looks = 0;  // how often somebody looked ahead

 private:
  std::vector<std::string> texts_;
  grammar::GrammarFacts facts_;
};

}  // namespace pensieve::engine
