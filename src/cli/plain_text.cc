#include "cli/plain_text.h"

#include "base/utf8.h"

namespace pensieve::cli {

std::string plain_text(std::string_view text, bool keep_layout) {
  std::string clean;
  for (const char c : replace_invalid_utf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    // U+0080 to U+009F are control characters too.
    const bool second_of_control = clean.ends_with('\xC2') && byte >= 0x80 && byte < 0xA0;
    if (second_of_control) clean.pop_back();
    const bool layout = keep_layout && (c == '\n' || c == '\t');
    clean += (byte < 0x20 && !layout) || byte == 0x7F || second_of_control ? '?' : c;
  }
  return clean;
}

}  // namespace pensieve::cli
