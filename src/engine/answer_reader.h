// Splits what a model writes into reasoning, text and tool calls.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/call_reader.h"
#include "engine/tool_format.h"

namespace pensieve::engine {

// How an answer is to be read.
struct ReadingPlan {
  const ToolFormat* tools = nullptr;  // null: calls are not looked for
  std::vector<std::string> tool_names;
  ReasoningMarks reasoning;     // empty: none
  bool reasoning_open = false;  // the prompt ends within the reasoning
  bool may_reason = false;      // the answer may begin with reasoning
};

// Bytes of one kind, in the order of the answer.
struct AnswerPiece {
  enum class Kind : std::uint8_t { kText, kReasoning, kCallName, kCallArguments, kCallEnd };
  Kind kind = Kind::kText;
  std::string bytes = {};
  bool operator==(const AnswerPiece&) const = default;
};

// The result depends on the bytes only, not on how they are cut. Text that may become a mark is held back.
// A value: copies go on independently.
class AnswerReader {
 public:
  enum class Phase : std::uint8_t {
    kStart,      // nothing but blanks, or what may become a mark
    kReasoning,  // within the marks
    kText,
    kCalls,  // from the first call to the end
  };

  explicit AnswerReader(const ReadingPlan& plan);

  std::vector<AnswerPiece> push(std::string_view bytes);
  // What is held back, as text.
  std::vector<AnswerPiece> finish();

  [[nodiscard]] Phase phase() const { return phase_; }
  // The phase in which push() left kText or kStart for kCalls: the bytes since the calls' beginning.
  [[nodiscard]] const std::string& calls_text() const { return calls_text_; }
  // True if the calls began without the format's mark.
  [[nodiscard]] bool bare_calls() const { return bare_; }

 private:
  void read(std::vector<AnswerPiece>& pieces);
  bool read_start(std::vector<AnswerPiece>& pieces);
  bool read_reasoning(std::vector<AnswerPiece>& pieces);
  bool read_text(std::vector<AnswerPiece>& pieces);
  bool read_calls(std::vector<AnswerPiece>& pieces);
  void begin_calls(std::size_t text_before, bool bare, std::vector<AnswerPiece>& pieces);
  enum class Match : std::uint8_t { kNo, kPartly, kYes };
  [[nodiscard]] Match bare_call() const;

  const ReadingPlan* plan_;
  Phase phase_;
  bool answer_began_ = false;  // text has been passed on
  std::string pending_;
  std::string calls_text_;
  bool bare_ = false;
  bool skip_blanks_ = false;  // after the reasoning
  CallReader calls_;
};

}  // namespace pensieve::engine
