#include "engine/text_stream.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace pensieve::engine {

TextStream::TextStream(std::vector<std::string> stop_strings)
    : stop_strings_(std::move(stop_strings)) {
  std::erase_if(stop_strings_, [](const std::string& stop) { return stop.empty(); });
}

// Bytes of held_ that can neither grow into a stop string nor end within a character.
std::size_t TextStream::safe_length() const {
  std::size_t safe = held_.size();
  for (const std::string& stop : stop_strings_) {
    const std::size_t longest = std::min(stop.size() - 1, held_.size());
    for (std::size_t length = longest; length > 0; --length) {
      if (held_.compare(held_.size() - length, length, stop, 0, length) == 0) {
        safe = std::min(safe, held_.size() - length);
        break;
      }
    }
  }
  return complete_utf8_prefix(std::string_view(held_).substr(0, safe));
}

std::string TextStream::push(std::string_view bytes) {
  if (stopped_by_) return {};
  held_ += bytes;
  std::size_t first = std::string::npos;
  for (const std::string& stop : stop_strings_) {
    const std::size_t at = held_.find(stop);
    if (at < first) {
      first = at;
      stopped_by_ = stop;
    }
  }
  const std::size_t length = stopped_by_ ? first : safe_length();
  std::string text = replace_invalid_utf8(std::string_view(held_).substr(0, length));
  held_.erase(0, stopped_by_ ? held_.size() : length);
  return text;
}

std::string TextStream::finish() {
  return replace_invalid_utf8(std::exchange(held_, {}));
}

}  // namespace pensieve::engine
