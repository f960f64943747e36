// Which tokens an answer may go on with.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/answer_plan.h"

namespace pensieve::engine {

// One answer's grammar in progress. Made for few questions a token: the sampler draws first and asks
// whether that token may come (nearly always), and rules out more only if not.
class AnswerConstraint {
 public:
  // All outlive the constraint; `reader` reads the same answer.
  AnswerConstraint(const AnswerPlan& plan, const AnswerReader& reader, const Vocabulary& vocabulary);

  // False: any token may come.
  [[nodiscard]] bool active() const;
  [[nodiscard]] bool allows(Token token) const;

  // Rules out in `logits` a token that is not allowed, and others that can't be either.
  void rule_out(Token token, std::span<float> logits) const;
  // Rules out all tokens that are not allowed.
  void rule_out_all(std::span<float> logits) const;

  // A token that brings the text to its end soon; empty: none is known, or the end is open anyway.
  [[nodiscard]] std::optional<Token> closing_token() const;
  // Tokens that the text takes to its end from here in this way, roughly; 0 if nothing has to be ended. Counts
  // no further than to `most`, as each token costs some ten microseconds.
  [[nodiscard]] std::int64_t closing_tokens(std::int64_t most) const;

  // The answer goes on with `token`: before the reader reads it, and after.
  void accept(Token token);
  void follow_reader();

 private:
  [[nodiscard]] std::optional<Token> first_allowed(const GrammarState& state, std::span<const Token> candidates) const;
  [[nodiscard]] std::array<bool, TokenGroups::kBytes + 1> possible_groups() const;
  [[nodiscard]] bool is_mark(Token token) const;
  [[nodiscard]] bool begins_reasoning(Token token) const;
  [[nodiscard]] bool allows_beginning(Token token) const;
  [[nodiscard]] bool feed(GrammarState& state, std::string_view text) const;
  [[nodiscard]] bool feed_begun(GrammarState& state) const;
  [[nodiscard]] std::unique_ptr<GrammarState> calls_state(const AnswerReader& reader) const;

  const AnswerPlan& plan_;
  const AnswerReader& reader_;
  const Vocabulary& vocabulary_;
  std::unique_ptr<GrammarState> state_;
  bool whole_began_ = false;
  bool calls_began_ = false;
  bool may_reason_;             // no token has come yet that would keep reasoning from the beginning
  std::vector<Token> closing_;  // tokens that bring a text to its end, the best first
  std::vector<Token> usual_;    // tokens of the bytes that names and marks have
  std::vector<Token> other_;    // of all other bytes
};

}  // namespace pensieve::engine
