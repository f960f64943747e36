// Turns the bytes of sampled tokens into text that may be sent: whole UTF-8 characters, nothing of
// a stop string, and as early as both allow.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pensieve::engine {

// Result depends only on the bytes, not on how they are cut into pieces. Of several stop strings
// the one whose last byte comes first stops the text; of those that end there, the longest.
class TextStream {
 public:
  // Empty stop strings are ignored.
  explicit TextStream(const std::vector<std::string>& stops);

  // Takes more bytes and returns the text that is ready. After a stop: nothing more.
  std::string push(std::string_view bytes);

  // The rest, when no byte follows. An unfinished character becomes U+FFFD.
  std::string finish();

  // Index, in the list given, of the stop string that came up.
  [[nodiscard]] std::optional<std::size_t> stopped_by() const { return stopped_by_; }

 private:
  // One stop string with the state of its Knuth-Morris-Pratt matcher.
  struct Matcher {
    std::size_t index = 0;
    std::string text;
    std::vector<std::size_t> borders;  // borders[n]: longest proper border of the first n bytes
    std::size_t matched = 0;

    bool accept(char byte);  // true if the whole text has just been matched
  };

  // Takes one byte; true if a stop string ends here (its bytes are then dropped from pending_).
  bool accept(char byte);
  [[nodiscard]] std::size_t held_back() const;
  std::string release(std::size_t length);

  std::vector<Matcher> matchers_;
  std::string pending_;
  std::optional<std::size_t> stopped_by_;
};

}  // namespace pensieve::engine
