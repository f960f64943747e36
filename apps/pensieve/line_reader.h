// Lines that a person types, edited and remembered by libedit; or lines of a file.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace pensieve::cli {

struct Line {
  enum class Kind { kText, kInterrupted, kEnd };  // kInterrupted: Ctrl-C; kEnd: Ctrl-D, end of file
  Kind kind = Kind::kEnd;
  std::string text;
};

// One at a time in a process. On the terminal Ctrl-C no longer ends the program once one exists: it
// interrupts read(), or makes interrupted() true.
class LineReader {
 public:
  // `history`: file of earlier lines, made with mode 0600; used on a terminal only.
  explicit LineReader(std::filesystem::path history);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // True if a person types (stdin and stdout are a terminal).
  [[nodiscard]] bool interactive() const;

  Line read(const std::string& prompt);

  // Ctrl-C since the last read().
  [[nodiscard]] static bool interrupted();
  static void forget_interruption();

 private:
  struct Editor;
  std::unique_ptr<Editor> editor_;  // empty off a terminal
};

}  // namespace pensieve::cli
