#include "grammar/regex_parser.h"

#include <algorithm>
#include <format>
#include <string>
#include <utility>

namespace pensieve::grammar {
namespace {

constexpr std::size_t kLongestPattern = 4096;
constexpr int kDeepest = 32;
constexpr std::uint64_t kMostRepeats = 1'000'000;

std::unexpected<Error> unsupported(std::string_view what) {
  return fail(ErrorCode::kUnsupported, std::format("{} can't be made a grammar", what),
              "use literals, classes, groups, alternatives and quantifiers");
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, std::format("it is no regular expression: {}", what));
}

CodeSet set_of(std::initializer_list<CodeRange> ranges) {
  CodeSet set;
  for (const CodeRange& range : ranges) set.add(range.first, range.last);
  return set;
}

// The class that an escaped letter stands for.
std::optional<CodeSet> class_of(char32_t letter) {
  const CodeSet digits = set_of({{U'0', U'9'}});
  const CodeSet words = set_of({{U'0', U'9'}, {U'A', U'Z'}, {U'a', U'z'}, {U'_', U'_'}});
  const CodeSet blanks = set_of({{9, 13}, {U' ', U' '}});
  switch (letter) {
    case U'd':
      return digits;
    case U'D':
      return digits.complement();
    case U'w':
      return words;
    case U'W':
      return words.complement();
    case U's':
      return blanks;
    case U'S':
      return blanks.complement();
    default:
      return std::nullopt;
  }
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : points_(code_points(pattern)) {}

  Result<ParsedRegex> parse() {
    ParsedRegex parsed;
    // An anchor holds for the whole expression only where no alternative stands beside it.
    parsed.from_start = take(U'^');
    if (ends_in_anchor()) {
      parsed.to_end = true;
      points_.pop_back();
    }
    parsed.root = TRY(alternatives(0));
    if (at_ < points_.size()) return malformed("a closing parenthesis too many");
    const bool parts = parsed.root.kind == RegexNode::Kind::kAlternatives;
    if (parts && (parsed.from_start || parsed.to_end)) return unsupported("an anchor of one alternative (put the alternatives in a group)");
    return parsed;
  }

 private:
  [[nodiscard]] bool ends_in_anchor() const {
    if (points_.size() <= at_ || points_.back() != U'$') return false;
    std::size_t slashes = 0;
    for (std::size_t i = points_.size() - 1; i > at_ && points_[i - 1] == U'\\'; --i) ++slashes;
    return slashes % 2 == 0;
  }

  [[nodiscard]] bool more() const { return at_ < points_.size(); }
  [[nodiscard]] char32_t peek(std::size_t ahead = 0) const { return at_ + ahead < points_.size() ? points_[at_ + ahead] : 0; }
  bool take(char32_t point) {
    if (!more() || peek() != point) return false;
    ++at_;
    return true;
  }

  Result<RegexNode> alternatives(int depth) {
    if (depth > kDeepest) return unsupported("an expression nested this deep");
    std::vector<RegexNode> options;
    do options.push_back(TRY(sequence(depth)));
    while (take(U'|'));
    if (options.size() == 1) return std::move(options.front());
    return RegexNode{.kind = RegexNode::Kind::kAlternatives, .children = std::move(options)};
  }

  Result<RegexNode> sequence(int depth) {
    RegexNode node{.kind = RegexNode::Kind::kSequence};
    while (more() && peek() != U'|' && peek() != U')') {
      RegexNode item = TRY(atom(depth));
      node.children.push_back(TRY(quantified(std::move(item))));
    }
    return node;
  }

  Result<RegexNode> quantified(RegexNode item) {
    std::uint64_t least = 0;
    std::optional<std::uint64_t> most;
    if (take(U'+')) {
      least = 1;
    } else if (take(U'?')) {
      most = 1;
    } else if (peek() == U'{' && peek(1) >= U'0' && peek(1) <= U'9') {
      ++at_;
      least = TRY(number());
      most = least;
      if (take(U',')) {
        most.reset();
        if (peek() != U'}') most = TRY(number());
      }
      if (!take(U'}')) return malformed("a count without its closing brace");
      if (most && *most < least) return malformed("a count whose most is below its least");
    } else if (!take(U'*')) {
      return item;
    }
    take(U'?');  // lazy: the same strings
    if (peek() == U'+' || peek() == U'*') return malformed("two quantifiers in a row");
    return RegexNode{.kind = RegexNode::Kind::kRepeat, .children = {std::move(item)}, .least = least, .most = most};
  }

  Result<std::uint64_t> number() {
    std::uint64_t value = 0;
    if (peek() < U'0' || peek() > U'9') return malformed("a count without a number");
    while (peek() >= U'0' && peek() <= U'9') {
      value = value * 10 + (points_[at_++] - U'0');
      if (value > kMostRepeats) return unsupported("a count this large");
    }
    return value;
  }

  Result<RegexNode> atom(int depth) {
    const char32_t point = points_[at_++];
    switch (point) {
      case U'(':
        return group(depth);
      case U'[':
        return characters(TRY(bracket()));
      case U'.':
        return characters(set_of({{U'\n', U'\n'}, {U'\r', U'\r'}}).complement());
      case U'\\':
        return characters(TRY(escape()));
      case U'^':
      case U'$':
        return unsupported("an anchor within the expression");
      case U'*':
      case U'+':
      case U'?':
        return malformed("a quantifier with nothing before it");
      default:
        return characters(set_of({{point, point}}));
    }
  }

  static Result<RegexNode> characters(CodeSet set) {
    if (set.empty()) return malformed("a class without characters");
    return RegexNode{.kind = RegexNode::Kind::kCharacters, .characters = std::move(set)};
  }

  Result<RegexNode> group(int depth) {
    if (take(U'?')) {
      if (take(U'<') || (peek() == U'P' && peek(1) == U'<' && (at_ += 2) > 0)) {
        if (peek() == U'=' || peek() == U'!') return unsupported("look-behind");
        while (more() && peek() != U'>') ++at_;
        take(U'>');
      } else if (!take(U':')) {
        return peek() == U'=' || peek() == U'!' ? unsupported("look-ahead") : unsupported("a flag or special group");
      }
    }
    RegexNode inner = TRY(alternatives(depth + 1));
    if (!take(U')')) return malformed("a group without its closing parenthesis");
    return inner;
  }

  // One escaped character or class; the backslash is taken.
  Result<CodeSet> escape() {
    if (!more()) return malformed("a backslash at the end");
    const char32_t letter = points_[at_++];
    if (auto known = class_of(letter)) return *std::move(known);
    constexpr std::pair<char32_t, char32_t> kLetters[] = {{U'n', 10}, {U'r', 13}, {U't', 9}, {U'f', 12}, {U'v', 11}, {U'0', 0}};
    for (const auto& [name, value] : kLetters) {
      if (letter == name) return set_of({{value, value}});
    }
    if (letter == U'u' || letter == U'x') return hexadecimal(letter == U'u' ? 4 : 2);
    const bool word = (letter >= U'a' && letter <= U'z') || (letter >= U'A' && letter <= U'Z') || (letter >= U'1' && letter <= U'9');
    if (word) return unsupported(std::format("\\{}", static_cast<char>(letter)));
    return set_of({{letter, letter}});
  }

  Result<CodeSet> hexadecimal(int digits) {
    char32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char32_t c = peek();
      const bool digit = c >= U'0' && c <= U'9';
      const char32_t lower = c | 0x20U;
      if (!digit && (lower < U'a' || lower > U'f')) return malformed("an escape without its hexadecimal digits");
      value = value * 16 + (digit ? c - U'0' : lower - U'a' + 10);
      ++at_;
    }
    if (value >= 0xD800 && value < 0xE000) return unsupported("half of a surrogate pair");
    return set_of({{value, value}});
  }

  // A class; its opening bracket is taken.
  Result<CodeSet> bracket() {
    const bool inverted = take(U'^');
    CodeSet set;
    while (more() && peek() != U']') {
      CodeSet one = TRY(bracket_item());
      const bool single = one.ranges().size() == 1 && one.ranges()[0].first == one.ranges()[0].last;
      if (single && peek() == U'-' && peek(1) != U']' && peek(1) != 0) {
        ++at_;
        const CodeSet end = TRY(bracket_item());
        const char32_t first = one.ranges()[0].first;
        const char32_t last = end.ranges()[0].last;
        if (end.ranges().size() != 1 || last < first) return malformed("a range that runs backwards");
        set.add(first, last);
      } else {
        set.add(one);
      }
    }
    if (!take(U']')) return malformed("a class without its closing bracket");
    return inverted ? set.complement() : set;
  }

  Result<CodeSet> bracket_item() {
    const char32_t point = points_[at_++];
    if (point != U'\\') return set_of({{point, point}});
    if (take(U'b')) return set_of({{8, 8}});
    return escape();
  }

  std::vector<char32_t> points_;
  std::size_t at_ = 0;
};

}  // namespace

Result<ParsedRegex> parse_regex(std::string_view pattern) {
  if (pattern.size() > kLongestPattern) return unsupported("an expression this long");
  return Parser(pattern).parse();
}

}  // namespace pensieve::grammar
