// An answer on its way to the terminal or to a file.
#pragma once

#include <string_view>

#include "client/chat.h"

namespace pensieve::cli {

// Writes pieces of an answer to stdout as they come; on a terminal, control characters in them are
// made harmless.
class AnswerOutput {
 public:
  // Writes nothing unless `shown`.
  explicit AnswerOutput(bool shown);
  void add(std::string_view text);
  // Ends the last line, if anything was written.
  void end();

 private:
  bool shown_;
  bool terminal_;
  bool begun_ = false;
};

// "[model: first token after 35 ms, 12 tokens, 40.1 tok/s]" on stderr.
void print_figures(const ChatAnswer& answer);

}  // namespace pensieve::cli
