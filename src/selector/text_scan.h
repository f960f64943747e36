// One pass over a task's text: words in a form that harmless edits (case, spacing, a greeting,
// punctuation) do not change, and counts of marks that tell code, formulas and exam options apart.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "selector/keywords.h"

namespace pensieve::selector {

struct Word {
  std::uint32_t hash = 0;    // of the word in lower case; numbers by their count of digits
  std::uint32_t prefix = 0;  // of its first five bytes, a cheap stem; 0 for shorter words
  WordGroup group = WordGroup::kNone;
  bool number = false;
  bool wide = false;  // letters outside ASCII
  std::uint8_t length = 0;
};

struct TextScan {
  std::vector<Word> words;         // greeting and courtesy at both ends left out
  std::int32_t body_words = 0;     // words before the first listed option
  std::int32_t options = 0;        // "A. ... B. ..." in order
  std::int32_t code_marks = 0;     // brackets, semicolons, ==, =>, fences
  std::int32_t formula_marks = 0;  // \name, $, ^
  std::int32_t operators = 0;      // + = * / < > between things
  std::int32_t commas = 0;
  std::int32_t blanks = 0;  // "___", to be filled in
  std::int32_t letters = 0;
  std::int32_t wide_bytes = 0;
};

// Longest text that is looked at in bytes: beyond it, the first two thirds and the last third of it.
inline constexpr std::size_t kScanLimit = 12 * 1024;

// Replaces `scan`, whose memory is reused. Any bytes are accepted. Linear in min(text, kScanLimit).
void scan_text(std::string_view text, TextScan& scan);

}  // namespace pensieve::selector
