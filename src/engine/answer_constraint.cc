#include "engine/answer_constraint.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace pensieve::engine {
namespace {

using Phase = AnswerReader::Phase;
constexpr std::string_view kUsual = "\n -./:<>[_abcdefghijklmnopqrstuvwxyz{";
constexpr float kOut = -std::numeric_limits<float>::infinity();

}  // namespace

AnswerConstraint::AnswerConstraint(const AnswerPlan& plan, const AnswerReader& reader, const Vocabulary& vocabulary)
    : plan_(plan), reader_(reader), vocabulary_(vocabulary), may_reason_(plan.reading.may_reason) {
  closing_ = plan_.groups->ends();
  for (const unsigned char c : std::string_view("\"}]),ntfNTF01")) {
    if (const auto token = plan_.groups->of_byte(c)) closing_.push_back(*token);
  }
  for (unsigned byte = '\t'; byte < 0x100; ++byte) {
    const auto token = plan_.groups->of_byte(static_cast<unsigned char>(byte));
    if (token) (kUsual.contains(static_cast<char>(byte)) ? usual_ : other_).push_back(*token);
  }
  follow_reader();
}

bool AnswerConstraint::active() const { return state_ != nullptr || plan_.calls != nullptr; }

bool AnswerConstraint::is_mark(Token token) const { return std::ranges::contains(plan_.marks, token); }

bool AnswerConstraint::begins_reasoning(Token token) const {
  return may_reason_ && vocabulary_.piece(token, true) == plan_.reading.reasoning.begin;
}

bool AnswerConstraint::allows(Token token) const {
  if (!state_) return allows_beginning(token);
  if (begins_reasoning(token)) return true;
  // Text that a control token would add is not sent.
  if (plan_.groups->is_silent(token) && !is_mark(token)) return false;
  return state_->allows(std::span(&token, 1)).front();
}

// In free text a token is refused only if it begins calls and goes on in a way that calls can't.
bool AnswerConstraint::allows_beginning(Token token) const {
  if (plan_.calls == nullptr || reader_.phase() == Phase::kReasoning || vocabulary_.ends_generation(token)) return true;
  AnswerReader ahead = reader_;
  ahead.push(vocabulary_.piece(token, is_mark(token)));
  return ahead.phase() != Phase::kCalls || reader_.phase() == Phase::kCalls || calls_state(ahead) != nullptr;
}

std::unique_ptr<GrammarState> AnswerConstraint::calls_state(const AnswerReader& reader) const {
  const auto& grammar = reader.bare_calls() ? plan_.bare_calls : plan_.calls;
  if (grammar == nullptr) return nullptr;
  auto state = grammar->begin();
  return feed(*state, reader.calls_text()) ? std::move(state) : nullptr;
}

bool AnswerConstraint::feed(GrammarState& state, std::string_view text) const {
  for (const char c : text) {
    const auto token = plan_.groups->of_byte(static_cast<unsigned char>(c));
    if (!token || !state.allows(std::span(&*token, 1)).front()) return false;
    state.accept(*token);
  }
  return true;
}

void AnswerConstraint::rule_out(Token token, std::span<float> logits) const {
  logits[static_cast<std::size_t>(token)] = kOut;
  if (!state_) return;
  const auto leader = plan_.groups->leader_of(token);
  if (!leader || allows(*leader)) return;
  for (const Token other : plan_.groups->beginning_like(token)) {
    if (!begins_reasoning(other)) logits[static_cast<std::size_t>(other)] = kOut;
  }
}

void AnswerConstraint::rule_out_all(std::span<float> logits) const {
  if (!state_) return;
  const std::array<bool, TokenGroups::kBytes + 1> possible = possible_groups();
  std::vector<Token> open;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] <= kOut) continue;
    const auto token = static_cast<Token>(i);
    const bool silent = plan_.groups->is_silent(token) && !is_mark(token);
    if (!silent && possible[plan_.groups->group_of(token)]) {
      open.push_back(token);
    } else if (!begins_reasoning(token)) {
      logits[i] = kOut;
    }
  }
  const std::vector<bool> allowed = state_->allows(open);
  for (std::size_t i = 0; i < open.size(); ++i) {
    if (!allowed[i] && !begins_reasoning(open[i])) logits[static_cast<std::size_t>(open[i])] = kOut;
  }
}

// False for the first bytes that can't come next: most of them, but within strings.
std::array<bool, TokenGroups::kBytes + 1> AnswerConstraint::possible_groups() const {
  std::array<bool, TokenGroups::kBytes + 1> possible;
  possible.fill(true);
  std::vector<Token> leaders;
  for (std::size_t byte = 0; byte < TokenGroups::kBytes; ++byte) {
    if (const auto leader = plan_.groups->of_byte(static_cast<unsigned char>(byte))) leaders.push_back(*leader);
  }
  const std::vector<bool> allowed = state_->allows(leaders);
  for (std::size_t i = 0; i < leaders.size(); ++i) possible[plan_.groups->group_of(leaders[i])] = allowed[i];
  return possible;
}

// False if the grammar can't have the answer's beginning.
bool AnswerConstraint::feed_begun(GrammarState& state) const {
  for (std::string_view rest = plan_.begun; !rest.empty();) {
    const auto ascii = std::ranges::find_if(rest, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    const auto run = static_cast<std::size_t>(ascii - rest.begin());
    if (run == 0) {
      if (!feed(state, rest.substr(0, 1))) return false;
      rest.remove_prefix(1);
      continue;
    }
    // Other characters have no tokens that are known. Some vocabularies put a space before any text.
    std::vector<Token> tokens = vocabulary_.tokenize(rest.substr(0, run), false);
    if (!tokens.empty() && vocabulary_.piece(tokens.front(), false) == " ") tokens.erase(tokens.begin());
    for (const Token token : tokens) {
      if (!state.allows(std::span(&token, 1)).front()) return false;
      state.accept(token);
    }
    rest.remove_prefix(run);
  }
  return true;
}

std::optional<Token> AnswerConstraint::first_allowed(const GrammarState& state, std::span<const Token> candidates) const {
  const std::vector<bool> allowed = state.allows(candidates);
  const auto found = std::ranges::find(allowed, true);
  return found == allowed.end() ? std::nullopt : std::optional(candidates[static_cast<std::size_t>(found - allowed.begin())]);
}

std::optional<Token> AnswerConstraint::closing_token() const { return state_ ? first_allowed(*state_, closing_) : std::nullopt; }

std::int64_t AnswerConstraint::closing_tokens(std::int64_t most) const {
  constexpr std::int64_t kMost = 4000;
  constexpr std::int64_t kSpare = 8;  // for blanks that the model puts between
  if (!state_) return 0;
  const auto ahead = state_->clone();
  std::int64_t closing = 0;  // tokens of one byte each, as closing_token() gives them
  std::int64_t others = 0;   // bytes of names and the like, each of which may be a token of its own
  while (closing + others < std::min(most, kMost)) {
    auto token = first_allowed(*ahead, closing_);
    ++(token ? closing : others);
    if (!token) token = first_allowed(*ahead, usual_);
    if (!token) token = first_allowed(*ahead, other_);
    if (!token || vocabulary_.ends_generation(*token)) break;
    ahead->accept(*token);
  }
  return closing + others + kSpare;
}

void AnswerConstraint::accept(Token token) {
  if (reader_.phase() == Phase::kReasoning) return;
  if (begins_reasoning(token)) {
    state_.reset();
    whole_began_ = false;
  }
  may_reason_ = false;
  if (state_) state_->accept(token);
}

void AnswerConstraint::follow_reader() {
  if (state_ || reader_.phase() == Phase::kReasoning) return;
  if (plan_.whole) {
    if (std::exchange(whole_began_, true)) return;
    state_ = plan_.whole->begin();
    // What was written before under no grammar leaves the rest free, as no grammar fits it.
    if (!feed_begun(*state_)) state_.reset();
  } else if (plan_.calls && reader_.phase() == Phase::kCalls && !calls_began_) {
    calls_began_ = true;
    state_ = calls_state(reader_);
  }
}

}  // namespace pensieve::engine
