// Reads tool calls in a model's own form, byte by byte.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/tool_format.h"

namespace pensieve::engine {

// What a byte of a call brought. A call begins with its name; its arguments follow in pieces of JSON text.
struct CallPiece {
  enum class Kind : std::uint8_t { kName, kArguments, kEnd };
  Kind kind = Kind::kName;
  std::string text = {};
  bool operator==(const CallPiece&) const = default;
};

// Takes what follows the format's `begin`, or a bare call from its first byte. The result depends on the
// bytes only, not on how they are cut. Lenient in blanks and in the order of a JSON call's members.
class CallReader {
 public:
  // `format` outlives the reader.
  explicit CallReader(const ToolFormat& format) : format_(&format) {}

  void push(std::string_view bytes, std::vector<CallPiece>& pieces);

 private:
  enum class State : std::uint8_t { kBetween, kKey, kAfterKey, kName, kArguments, kOther, kPythonKey };

  void take(char byte, std::vector<CallPiece>& pieces);
  void between(char byte, std::vector<CallPiece>& pieces);
  void key(char byte, std::vector<CallPiece>& pieces);
  void value(char byte, std::vector<CallPiece>& pieces);
  void end_value(std::vector<CallPiece>& pieces);
  void end_call(std::vector<CallPiece>& pieces);
  void begin_call(std::string name, std::vector<CallPiece>& pieces);
  void add_arguments(std::string_view text, std::vector<CallPiece>& pieces);
  void python_value(char byte, std::vector<CallPiece>& pieces);
  void python_key(char byte, std::vector<CallPiece>& pieces);
  void flush_word(std::vector<CallPiece>& pieces);

  const ToolFormat* format_;
  State state_ = State::kBetween;
  std::string buffer_;             // a key, a name, or what stands between calls
  std::string early_arguments_;    // that came before the name
  bool named_ = false;             // the call's name has been reported
  bool has_arguments_ = false;
  int depth_ = 0;                  // brackets open within the value
  char quote_ = '\0';              // of the string that is open; 0: none
  bool escaped_ = false;           // the last byte was a backslash within it
  bool began_ = false;             // the value has its first byte
  bool first_argument_ = true;     // kPythonic
};

}  // namespace pensieve::engine
