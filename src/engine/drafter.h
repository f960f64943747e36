// Guesses how a text goes on.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "engine/batch_token.h"
#include "engine/ngram_index.h"

namespace pensieve::engine {

// Of one stream, by prompt lookup (Saxena 2023): a text that has come to words that it has been in before goes
// on as it did then. What it is to copy, quote or change a little (an edit of a file, above all) is guessed
// nearly always; other text hardly ever, so each guess comes with the chance that it is right, learnt from the
// stream's own earlier guesses. That needs no step: a guess that was not tried is compared with what came.
class Drafter {
 public:
  struct Draft {
    std::vector<Token> tokens;
    std::vector<double> chances;  // that this token comes, and all before it
  };

  // Guesses at most `most` tokens behind `text`, which begins with the one of the last call.
  Draft guess(std::span<const Token> text, std::size_t most);

 private:
  // How often a guess was right whose place agreed with the text before it for about as long. Recent guesses
  // count more.
  class Accuracy {
   public:
    [[nodiscard]] double rate() const { return rate_; }
    void record(bool right);

   private:
    double rate_ = 0.5;
    double seen_ = 2;  // that many guesses stand behind the rate
  };

  void learn(std::span<const Token> text);
  [[nodiscard]] Accuracy& accuracy_after(std::size_t agreed);

  NgramIndex index_;
  std::array<Accuracy, 5> accuracies_;  // after 2, 4, 8, 16 and 32 tokens that agree: the longer, the surer
  std::vector<Token> guessed_;          // at the last call, whatever came of it
  std::size_t agreed_ = 0;              // tokens before them
  std::size_t guessed_at_ = 0;          // length of the text then
};

}  // namespace pensieve::engine
