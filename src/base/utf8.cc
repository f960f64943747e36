#include "base/utf8.h"

#include <algorithm>

namespace pensieve {
namespace {

struct Step {
  std::size_t length;  // bytes of the character, or of the maximal invalid part
  bool valid;
  bool unfinished;  // valid so far, but the text ends within the character
};

unsigned char byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// Reads one character at the start of `text` (not empty); ranges of RFC 3629 section 4.
Step read_character(std::string_view text) {
  const unsigned char lead = byte_at(text, 0);
  if (lead < 0x80) return {1, true, false};
  std::size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false, false};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i == text.size()) return {i, false, true};
    const unsigned char next = byte_at(text, i);
    if (next < low || next > high) return {i, false, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true, false};
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const Step step = read_character(text);
    if (!step.valid) return false;
    text.remove_prefix(step.length);
  }
  return true;
}

std::size_t complete_utf8_prefix(std::string_view text) {
  // Only the last three bytes can belong to an unfinished character.
  const std::size_t first = text.size() - std::min<std::size_t>(text.size(), 3);
  for (std::size_t i = first; i < text.size(); ++i) {
    const unsigned char byte = byte_at(text, i);
    if (byte < 0xC0) continue;
    const Step step = read_character(text.substr(i));
    if (step.unfinished) return i;
  }
  return text.size();
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Step step = read_character(text);
    if (step.valid) {
      out.append(text.substr(0, step.length));
    } else {
      out.append("\xEF\xBF\xBD");
    }
    text.remove_prefix(step.length);
  }
  return out;
}

}  // namespace pensieve
