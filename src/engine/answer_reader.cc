#include "engine/answer_reader.h"

#include <algorithm>
#include <utility>

namespace pensieve::engine {
namespace {

using Kind = AnswerPiece::Kind;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

void add(std::vector<AnswerPiece>& pieces, Kind kind, std::string_view bytes) {
  if (bytes.empty() && kind != Kind::kCallEnd) return;
  const bool joins = !pieces.empty() && pieces.back().kind == kind && (kind == Kind::kText || kind == Kind::kReasoning);
  if (joins) {
    pieces.back().bytes += bytes;
  } else {
    pieces.push_back({kind, std::string(bytes)});
  }
}

// Length of the longest end of `text` that begins `mark`.
std::size_t begun(std::string_view text, std::string_view mark) {
  for (std::size_t length = std::min(text.size(), mark.empty() ? 0 : mark.size() - 1); length > 0; --length) {
    if (text.ends_with(mark.substr(0, length))) return length;
  }
  return 0;
}

const ToolFormat& format_of(const ReadingPlan& plan) { return plan.tools != nullptr ? *plan.tools : built_in_tool_format(); }

}  // namespace

AnswerReader::AnswerReader(const ReadingPlan& plan)
    : plan_(&plan), phase_(plan.reasoning_open ? Phase::kReasoning : Phase::kStart), calls_(format_of(plan)) {}

std::vector<AnswerPiece> AnswerReader::push(std::string_view bytes) {
  std::vector<AnswerPiece> pieces;
  pending_ += bytes;
  calls_text_.clear();
  read(pieces);
  return pieces;
}

std::vector<AnswerPiece> AnswerReader::finish() {
  std::vector<AnswerPiece> pieces;
  if (phase_ != Phase::kCalls) add(pieces, phase_ == Phase::kReasoning ? Kind::kReasoning : Kind::kText, std::exchange(pending_, {}));
  return pieces;
}

void AnswerReader::read(std::vector<AnswerPiece>& pieces) {
  for (bool again = true; again && !pending_.empty();) {
    switch (phase_) {
      case Phase::kStart:
        again = read_start(pieces);
        break;
      case Phase::kReasoning:
        again = read_reasoning(pieces);
        break;
      case Phase::kText:
        again = read_text(pieces);
        break;
      case Phase::kCalls:
        again = read_calls(pieces);
        break;
    }
  }
}

// True: the phase has changed, and what is pending is to be read in the new one.
bool AnswerReader::read_start(std::vector<AnswerPiece>& pieces) {
  const std::size_t blanks = static_cast<std::size_t>(std::ranges::find_if_not(pending_, is_blank) - pending_.begin());
  if (skip_blanks_) {
    pending_.erase(0, blanks);
  }
  const std::string_view text = std::string_view(pending_).substr(skip_blanks_ ? 0 : blanks);
  if (text.empty()) return false;
  const std::string_view mark = plan_->may_reason ? plan_->reasoning.begin : std::string_view();
  if (!mark.empty() && text.starts_with(mark)) {
    pending_ = std::string(text.substr(mark.size()));
    phase_ = Phase::kReasoning;
    return true;
  }
  if (!mark.empty() && mark.starts_with(text)) return false;
  const Match match = bare_call();
  if (match == Match::kPartly) return false;
  if (match == Match::kYes) {
    begin_calls(0, true, pieces);
  } else {
    phase_ = Phase::kText;
  }
  return true;
}

// Whether the answer begins with a call that has no mark: the text up to a tool's name, blanks aside.
AnswerReader::Match AnswerReader::bare_call() const {
  if (plan_->tools == nullptr) return Match::kNo;
  const ToolFormat& format = *plan_->tools;
  if (format.shape == ToolFormat::Shape::kNamed || (format.shape == ToolFormat::Shape::kPythonic && !format.bare)) return Match::kNo;
  std::string text;
  for (const char c : pending_) {
    if (!is_blank(c)) text += c;
  }
  Match best = Match::kNo;
  for (const std::string& name : plan_->tool_names) {
    const std::string call = format.shape == ToolFormat::Shape::kPythonic ? "[" + name + "(" : "{\"name\":\"" + name + "\"";
    if (text.starts_with(call)) return Match::kYes;
    if (call.starts_with(text)) best = Match::kPartly;
  }
  return best;
}

bool AnswerReader::read_reasoning(std::vector<AnswerPiece>& pieces) {
  const std::string_view mark = plan_->reasoning.end;
  const std::size_t at = pending_.find(mark);
  if (at == std::string::npos) {
    const std::size_t ready = pending_.size() - begun(pending_, mark);
    add(pieces, Kind::kReasoning, std::string_view(pending_).substr(0, ready));
    pending_.erase(0, ready);
    return false;
  }
  add(pieces, Kind::kReasoning, std::string_view(pending_).substr(0, at));
  pending_.erase(0, at + mark.size());
  phase_ = Phase::kStart;
  skip_blanks_ = true;
  return true;
}

bool AnswerReader::read_text(std::vector<AnswerPiece>& pieces) {
  const std::string_view mark = plan_->tools != nullptr ? plan_->tools->begin : std::string_view();
  const std::size_t at = mark.empty() ? std::string::npos : pending_.find(mark);
  if (at != std::string::npos) {
    begin_calls(at, false, pieces);
    return true;
  }
  // Blanks before a mark are no text; they are held back too.
  std::size_t ready = pending_.size() - begun(pending_, mark);
  while (!mark.empty() && ready > 0 && is_blank(pending_[ready - 1])) --ready;
  add(pieces, Kind::kText, std::string_view(pending_).substr(0, ready));
  pending_.erase(0, ready);
  return false;
}

void AnswerReader::begin_calls(std::size_t text_before, bool bare, std::vector<AnswerPiece>& pieces) {
  std::string_view text = std::string_view(pending_).substr(0, text_before);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  add(pieces, Kind::kText, text);
  pending_.erase(0, bare ? 0 : text_before + plan_->tools->begin.size());
  calls_text_ = pending_;
  bare_ = bare;
  phase_ = Phase::kCalls;
}

bool AnswerReader::read_calls(std::vector<AnswerPiece>& pieces) {
  std::vector<CallPiece> found;
  calls_.push(std::exchange(pending_, {}), found);
  for (const CallPiece& piece : found) {
    const Kind kind = piece.kind == CallPiece::Kind::kName        ? Kind::kCallName
                      : piece.kind == CallPiece::Kind::kArguments ? Kind::kCallArguments
                                                                  : Kind::kCallEnd;
    add(pieces, kind, piece.text);
  }
  return false;
}

}  // namespace pensieve::engine
