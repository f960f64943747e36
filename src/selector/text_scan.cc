#include "selector/text_scan.h"

#include <algorithm>

namespace pensieve::selector {
namespace {

constexpr std::uint8_t kLongestWord = 255;

bool is_letter(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
bool is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Lower case of the two-byte character `lead trail` (Latin-1, Greek, Cyrillic); others unchanged.
void fold_pair(unsigned char& lead, unsigned char& trail) {
  if (lead == 0xC3 && trail >= 0x80 && trail <= 0x9E && trail != 0x97)
    trail += 0x20;
  else if (lead == 0xCE && trail >= 0x91 && trail <= 0x9F)
    trail += 0x20;
  else if (lead == 0xCE && trail >= 0xA0 && trail <= 0xA9)
    lead = 0xCF, trail -= 0x20;
  else if (lead == 0xD0 && trail >= 0x90 && trail <= 0x9F)
    trail += 0x20;
  else if (lead == 0xD0 && trail >= 0xA0 && trail <= 0xAF)
    lead = 0xD1, trail -= 0x20;
}

class Scanner {
 public:
  explicit Scanner(TextScan& scan) : scan_(scan) {}

  void run(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
      const auto c = static_cast<unsigned char>(text[at]);
      if (is_letter(c) || c >= 0x80)
        at = word(text, at);
      else if (is_digit(c))
        at = number(text, at);
      else
        at = mark(text, at, c);
    }
  }

 private:
  std::size_t word(std::string_view text, std::size_t at) {
    const std::size_t begin = at;
    Word word{.hash = kHashSeed};
    std::uint32_t prefix = kHashSeed;
    int characters = 0;
    const auto add = [&](unsigned char c) {
      word.hash = hash_byte(word.hash, c);
      if (at - begin < 5) prefix = hash_byte(prefix, c);
    };
    while (at < text.size()) {
      auto c = static_cast<unsigned char>(text[at]);
      if (is_letter(c)) {
        add(static_cast<unsigned char>(c | 0x20));
        ++scan_.letters;
      } else if (c >= 0xE0) {
        // Scripts of three and four bytes are often written without spaces: two characters make a word.
        if (characters == 2 || (characters == 1 && !word.wide)) break;
        ++characters;
        word.wide = true;
        add(c);
      } else if (c >= 0x80) {
        word.wide = true;
        ++scan_.wide_bytes;
        if (c >= 0xC0 && at + 1 < text.size()) {
          auto trail = static_cast<unsigned char>(text[at + 1]);
          fold_pair(c, trail);
          add(c);
          add(trail);
          ++at;
        } else {
          add(c);
        }
      } else {
        break;
      }
      ++at;
    }
    if (at == begin) ++at;
    word.length = static_cast<std::uint8_t>(std::min<std::size_t>(at - begin, kLongestWord));
    if (word.length > 5) word.prefix = prefix;
    word.group = group_of(word.hash);
    note_option(text, begin, at);
    scan_.words.push_back(word);
    return at;
  }

  std::size_t number(std::string_view text, std::size_t at) {
    const std::size_t begin = at;
    while (at < text.size() && is_digit(static_cast<unsigned char>(text[at]))) ++at;
    const auto digits = static_cast<std::uint8_t>(std::min<std::size_t>(at - begin, 4));
    std::uint32_t hash = kHashSeed;
    for (int i = 0; i < digits; ++i) hash = hash_byte(hash, '0');
    scan_.words.push_back({.hash = hash, .number = true, .length = digits});
    return at;
  }

  // A run of the same mark counts once, so that "!!!" is "!".
  std::size_t mark(std::string_view text, std::size_t at, unsigned char c) {
    std::size_t end = at + 1;
    while (end < text.size() && text[end] == text[at]) ++end;
    const std::size_t run = end - at;
    switch (c) {
      case '{':
      case '}':
      case ';':
      case '[':
      case ']':
      case '`':
        ++scan_.code_marks;
        break;
      case '(':
        if (at > 0 && end < text.size() && !is_space(static_cast<unsigned char>(text[at - 1])) && text[end] == ')') ++scan_.code_marks;
        break;
      case '=':
        ++(run > 1 || (end < text.size() && text[end] == '>') ? scan_.code_marks : scan_.operators);
        break;
      case '_':
        ++(run > 2 ? scan_.blanks : scan_.code_marks);
        break;
      case '\\':
      case '$':
      case '^':
        ++scan_.formula_marks;
        break;
      case '+':
      case '*':
      case '/':
      case '<':
      case '>':
        ++scan_.operators;
        break;
      case ',':
        ++scan_.commas;
        break;
      default:
        break;
    }
    return end;
  }

  // The next letter in order, alone and followed by '.', ')' or ':', is an option of an exam.
  void note_option(std::string_view text, std::size_t begin, std::size_t end) {
    if (end - begin != 1 || end >= text.size()) return;
    const char after = text[end];
    if (after != '.' && after != ')' && after != ':') return;
    if ((text[begin] | 0x20) != 'a' + scan_.options) return;
    if (scan_.options == 0) scan_.body_words = static_cast<std::int32_t>(scan_.words.size());
    ++scan_.options;
  }

  TextScan& scan_;
};

constexpr std::uint32_t kYou = hash_word("you");
constexpr std::uint32_t kThere = hash_word("there");
constexpr std::uint32_t kGood = hash_word("good");
constexpr std::uint32_t kCan = hash_word("can");
constexpr std::uint32_t kCould = hash_word("could");
constexpr std::uint32_t kWould = hash_word("would");
constexpr std::uint32_t kMany = hash_word("many");
constexpr std::uint32_t kSo = hash_word("so");
constexpr std::uint32_t kMuch = hash_word("much");
constexpr std::uint32_t kIn = hash_word("in");
constexpr std::uint32_t kAdvance = hash_word("advance");

// Words that `courtesy` spans at the start of `words`: "hello there", "could you please".
std::size_t opening(const std::vector<Word>& words) {
  std::size_t at = 0;
  const auto is = [&](std::size_t i, std::uint32_t hash) { return i < words.size() && words[i].hash == hash; };
  while (at < words.size()) {
    if (words[at].group == WordGroup::kCourtesy)
      ++at;
    else if (is(at, kGood) && at + 1 < words.size() && words[at + 1].group == WordGroup::kCourtesy)
      at += 2;
    else if (at > 0 && (is(at, kThere) || (is(at, kYou) && at == 1)))
      ++at;
    else if ((is(at, kCan) || is(at, kCould) || is(at, kWould)) && is(at + 1, kYou))
      at += 2;
    else
      break;
  }
  return at;
}

// Words of courtesy at the end: "thank you so much", "please", "thanks in advance".
std::size_t closing(const std::vector<Word>& words) {
  std::size_t end = words.size();
  std::size_t kept = end;
  while (end > 0) {
    const Word& word = words[end - 1];
    if (word.group == WordGroup::kCourtesy)
      kept = --end;
    else if (word.hash == kYou || word.hash == kSo || word.hash == kMuch || word.hash == kIn || word.hash == kAdvance || word.hash == kMany)
      --end;
    else
      break;
  }
  return words.size() - kept;
}

// A text of nothing but courtesy is kept: then it is the message.
void drop_courtesy(TextScan& scan) {
  std::vector<Word>& words = scan.words;
  const std::size_t last = closing(words);
  if (last >= words.size()) return;
  words.resize(words.size() - last);
  const std::size_t first = opening(words);
  if (first >= words.size()) return;
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(first));
  if (scan.options > 0) scan.body_words = std::max(0, scan.body_words - static_cast<std::int32_t>(first));
}

}  // namespace

void scan_text(std::string_view text, TextScan& scan) {
  std::vector<Word> memory = std::move(scan.words);
  memory.clear();
  scan = TextScan{.words = std::move(memory)};
  Scanner scanner(scan);
  if (text.size() <= kScanLimit) {
    scanner.run(text);
  } else {
    scanner.run(text.substr(0, kScanLimit * 2 / 3));
    scanner.run(text.substr(text.size() - kScanLimit / 3));
  }
  drop_courtesy(scan);
  if (scan.options < 2) scan.options = 0;
  if (scan.options == 0) scan.body_words = static_cast<std::int32_t>(scan.words.size());
}

}  // namespace pensieve::selector
