#include "grammar/gbnf_parser.h"

#include <algorithm>
#include <cctype>
#include <format>
#include <map>

namespace pensieve::grammar {
namespace {

constexpr int kDeepest = 64;
constexpr std::uint64_t kLargestCount = 1000;  // the sampler refuses more
constexpr std::uint64_t kMostCopies = 60'000;  // of items, once the sampler has unrolled the counts
constexpr std::size_t kMostRules = 30'000;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Gbnf> parse() {
    blank(true);
    while (more()) TRY_VOID(rule());
    for (const GbnfRule& one : gbnf_.rules) {
      if (!one.defined) return fail(ErrorCode::kInvalidArgument, std::format("grammar: there is no rule '{}'", one.name));
    }
    const auto root = names_.find("root");
    if (root == names_.end()) return fail(ErrorCode::kInvalidArgument, "grammar: there is no rule 'root'", "name the first rule root");
    gbnf_.root = root->second;
    return std::move(gbnf_);
  }

 private:
  [[nodiscard]] bool more() const { return at_ < text_.size(); }
  [[nodiscard]] char peek() const { return more() ? text_[at_] : '\0'; }
  bool take(std::string_view token) {
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }

  std::unexpected<Error> wrong(std::string_view problem) const {
    const auto line = 1 + std::ranges::count(text_.substr(0, at_), '\n');
    return fail(ErrorCode::kInvalidArgument, std::format("grammar: line {}: {}", line, problem));
  }
  static std::unexpected<Error> too_much(std::string_view what) {
    return fail(ErrorCode::kUnsupported, std::format("grammar: {}", what), "use a smaller grammar");
  }

  void blank(bool lines) {
    while (more()) {
      const char c = peek();
      if (c == '#') {
        while (more() && peek() != '\n' && peek() != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  static bool is_name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-'; }

  std::string_view name() {
    const std::size_t start = at_;
    while (more() && is_name_character(peek())) ++at_;
    return text_.substr(start, at_ - start);
  }

  std::size_t index_of(std::string_view rule_name) {
    const auto [entry, added] = names_.try_emplace(std::string(rule_name), gbnf_.rules.size());
    if (added) gbnf_.rules.push_back({std::string(rule_name), {}, false});
    return entry->second;
  }

  Result<void> rule() {
    const std::string_view left = name();
    if (left.empty()) return wrong("a rule's name is missing");
    const std::size_t index = index_of(left);
    blank(false);
    if (!take("::=")) return wrong("'::=' is missing");
    blank(true);
    if (gbnf_.rules[index].defined) return wrong(std::format("'{}' is defined twice", left));
    auto options = TRY(alternatives(0));
    gbnf_.rules[index].options = std::move(options);
    gbnf_.rules[index].defined = true;
    if (more() && peek() != '\n' && peek() != '\r') return wrong("a line end is missing");
    blank(true);
    return {};
  }

  Result<std::vector<GbnfSequence>> alternatives(int depth) {
    if (depth > kDeepest) return too_much("groups are nested too deep");
    std::vector<GbnfSequence> options;
    do {
      blank(depth > 0 || !options.empty());
      options.push_back(TRY(sequence(depth)));
    } while (take("|"));
    return options;
  }

  Result<GbnfSequence> sequence(int depth) {
    GbnfSequence items;
    while (more()) {
      const char c = peek();
      if (c == '"') {
        GbnfItem item{.bytes = TRY(characters('"', true))};
        items.push_back(item);
      } else if (c == '[') {
        TRY_VOID(characters(']', false));
        items.push_back({.bytes = 1});
      } else if (c == '.') {
        ++at_;
        items.push_back({.bytes = 1});
      } else if (is_name_character(c)) {
        items.push_back({.kind = GbnfItem::Kind::kRule, .rule = index_of(name())});
      } else if (c == '(') {
        ++at_;
        auto inner = TRY(alternatives(depth + 1));
        if (!take(")")) return wrong("a closing parenthesis is missing");
        items.push_back({.kind = GbnfItem::Kind::kRule, .rule = gbnf_.rules.size()});
        gbnf_.rules.push_back({"(group)", std::move(inner), true});
      } else if (c == '*' || c == '+' || c == '?' || c == '{') {
        if (items.empty()) return wrong("a count has nothing before it");
        TRY_VOID(counts(items.back()));
      } else {
        break;
      }
      blank(depth > 0);
      if (gbnf_.rules.size() > kMostRules || ++copies_ > kMostCopies) return too_much("it is too large");
    }
    return items;
  }

  // Bytes of a literal or class, whose quotes are part of the text.
  Result<std::uint64_t> characters(char closing, bool literal) {
    ++at_;
    if (!literal && peek() == '^') ++at_;
    std::uint64_t bytes = 0;
    std::size_t count = 0;
    while (more() && peek() != closing) {
      if (peek() == '\n' && literal) return wrong("a line ends within a literal");
      if (peek() == '\\') {
        TRY_VOID(escape());
      } else {
        ++at_;
      }
      ++bytes;
      ++count;
    }
    if (!more()) return wrong("a closing quote or bracket is missing");
    ++at_;
    if (count == 0 && !literal) return wrong("a class has no characters");
    return bytes;
  }

  Result<void> escape() {
    ++at_;
    const char letter = peek();
    const int digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    if (digits == 0 && !std::string_view("tnr\\\"[]").contains(letter)) return wrong("an escape is unknown");
    ++at_;
    for (int i = 0; i < digits; ++i, ++at_) {
      if (std::isxdigit(static_cast<unsigned char>(peek())) == 0) return wrong("an escape lacks hexadecimal digits");
    }
    return {};
  }

  Result<void> counts(GbnfItem& item) {
    std::uint64_t least = 0;
    std::uint64_t most = GbnfItem::kEndless;
    if (take("+")) {
      least = 1;
    } else if (take("?")) {
      most = 1;
    } else if (!take("*")) {
      take("{");
      blank(false);
      least = TRY(number());
      blank(false);
      most = least;
      if (take(",")) {
        blank(false);
        most = peek() == '}' ? GbnfItem::kEndless : TRY(number());
        blank(false);
      }
      if (!take("}")) return wrong("a closing brace is missing");
      if (most < least) return wrong("a count's most is below its least");
    }
    if (item.least != 1 || item.most != 1) return wrong("two counts follow each other");
    copies_ += most == GbnfItem::kEndless ? least : most;
    if (copies_ > kMostCopies) return too_much("its counts are too large together");
    item.least = least;
    item.most = most;
    return {};
  }

  Result<std::uint64_t> number() {
    std::uint64_t value = 0;
    if (std::isdigit(static_cast<unsigned char>(peek())) == 0) return wrong("a number is missing");
    while (std::isdigit(static_cast<unsigned char>(peek())) != 0) {
      value = value * 10 + static_cast<std::uint64_t>(text_[at_++] - '0');
      if (value > kLargestCount) return too_much(std::format("a count is over {}", kLargestCount));
    }
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint64_t copies_ = 0;
  std::map<std::string, std::size_t, std::less<>> names_;
  Gbnf gbnf_;
};

}  // namespace

Result<Gbnf> parse_gbnf(std::string_view text) { return Parser(text).parse(); }

}  // namespace pensieve::grammar
