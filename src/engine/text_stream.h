// From token pieces to text that may be sent: whole UTF-8 characters only, stop strings never.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pensieve::engine {

// Text of one answer. Holds back bytes that may turn out to be part of a character or of a stop
// string; what it has given out is never taken back.
class TextStream {
 public:
  explicit TextStream(std::vector<std::string> stop_strings);

  // Adds bytes and returns the text that is now safe to send. After a stop string was found it
  // returns what stood before it, and stopped_by() is set; further pushes are ignored.
  std::string push(std::string_view bytes);

  // The held-back rest at the end of the answer; an unfinished character becomes U+FFFD.
  std::string finish();

  // The stop string that ended the text, if one did.
  [[nodiscard]] const std::optional<std::string>& stopped_by() const { return stopped_by_; }

 private:
  [[nodiscard]] std::size_t safe_length() const;

  std::vector<std::string> stop_strings_;
  std::string held_;
  std::optional<std::string> stopped_by_;
};

}  // namespace pensieve::engine
