// Tells in tests whether a grammar accepts a text: reads GBNF on its own and follows all ways at once.
#pragma once

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/code_points.h"

namespace pensieve::grammar {

// For well-formed grammars and short texts.
class FakeMatcher {
 public:
  explicit FakeMatcher(const std::string& gbnf) : source_(code_points(gbnf)) {
    while (at_ < source_.size()) {
      const std::string rule = name();
      skip(U" :=");
      rules_[rule] = alternatives();
      skip(U"\n");
    }
  }

  [[nodiscard]] bool accepts(std::string_view text) {
    text_ = code_points(text);
    memory_.clear();
    return ends(rules_.at("root"), 0).contains(text_.size());
  }

 private:
  struct Item {
    CodeSet characters;
    std::string rule;                       // if not empty
    std::vector<std::vector<Item>> inside;  // a group, if not empty
    std::size_t least = 1;
    std::size_t most = 1;
  };
  using Options = std::vector<std::vector<Item>>;
  using Ends = std::set<std::size_t>;

  [[nodiscard]] char32_t peek() const { return at_ < source_.size() ? source_[at_] : 0; }
  void skip(std::u32string_view what) {
    while (at_ < source_.size() && what.contains(peek())) ++at_;
  }
  std::string name() {
    std::string text;
    while ((peek() >= U'a' && peek() <= U'z') || (peek() >= U'A' && peek() <= U'Z') || (peek() >= U'0' && peek() <= U'9') || peek() == U'-')
      text += static_cast<char>(source_[at_++]);
    return text;
  }

  Options alternatives() {
    Options options(1);
    for (;;) {
      skip(U" ");
      const char32_t c = peek();
      if (c == 0 || c == U'\n' || c == U')') return options;
      if (c == U'|') {
        ++at_;
        options.emplace_back();
      } else if (c == U'"') {
        for (++at_; peek() != U'"';) options.back().push_back({one(character())});
        ++at_;
      } else if (c == U'[') {
        options.back().push_back({bracket()});
      } else if (c == U'(') {
        ++at_;
        Item group{{}, {}, alternatives()};
        ++at_;
        options.back().push_back(std::move(group));
      } else if (std::u32string_view(U"*+?{").contains(c)) {
        count(options.back().back());
      } else {
        options.back().push_back({{}, name()});
      }
    }
  }

  static CodeSet one(char32_t point) {
    CodeSet set;
    set.add(point, point);
    return set;
  }

  char32_t character() {
    const char32_t c = source_[at_++];
    if (c != U'\\') return c;
    const char32_t letter = source_[at_++];
    if (letter == U'n') return U'\n';
    if (letter == U'r') return U'\r';
    if (letter == U't') return U'\t';
    const int digits = letter == U'x' ? 2 : letter == U'u' ? 4 : letter == U'U' ? 8 : 0;
    if (digits == 0) return letter;
    std::string hex;
    for (int i = 0; i < digits; ++i) hex += static_cast<char>(source_[at_++]);
    return static_cast<char32_t>(std::strtoul(hex.c_str(), nullptr, 16));
  }

  CodeSet bracket() {
    ++at_;
    const bool inverted = peek() == U'^';
    if (inverted) ++at_;
    CodeSet set;
    while (peek() != U']') {
      const char32_t first = character();
      char32_t last = first;
      if (peek() == U'-' && source_[at_ + 1] != U']') {
        ++at_;
        last = character();
      }
      set.add(first, last);
    }
    ++at_;
    return inverted ? set.complement() : set;
  }

  std::size_t number(std::size_t otherwise) {
    if (peek() < U'0' || peek() > U'9') return otherwise;
    std::size_t value = 0;
    while (peek() >= U'0' && peek() <= U'9') value = value * 10 + (source_[at_++] - U'0');
    return value;
  }

  void count(Item& item) {
    constexpr std::size_t kEndless = 1'000'000;
    const char32_t c = source_[at_++];
    item.least = c == U'+' ? 1 : 0;
    item.most = c == U'?' ? 1 : kEndless;
    if (c != U'{') return;
    item.least = item.most = number(0);
    if (peek() == U',') {
      ++at_;
      item.most = number(kEndless);
    }
    ++at_;
  }

  Ends ends(const Item& item, std::size_t from) {
    if (!item.rule.empty()) {
      const auto key = std::make_pair(item.rule, from);
      const auto known = memory_.find(key);
      return known != memory_.end() ? known->second : memory_[key] = ends(rules_.at(item.rule), from);
    }
    if (!item.inside.empty()) return ends(item.inside, from);
    return from < text_.size() && item.characters.contains(text_[from]) ? Ends{from + 1} : Ends{};
  }

  Ends repeated(const Item& item, std::size_t from) {
    Ends found;
    Ends open{from};
    for (std::size_t times = 0; !open.empty(); ++times) {
      if (times >= item.least) found.insert(open.begin(), open.end());
      if (times == item.most) break;
      Ends next;
      for (const std::size_t at : open) {
        for (const std::size_t end : ends(item, at)) {
          if (end > at || times < item.least) next.insert(end);
        }
      }
      open = std::move(next);
    }
    return found;
  }

  Ends ends(const Options& options, std::size_t from) {
    Ends found;
    for (const auto& sequence : options) {
      Ends open{from};
      for (const Item& item : sequence) {
        Ends next;
        for (const std::size_t at : open) next.merge(repeated(item, at));
        open = std::move(next);
      }
      found.merge(open);
    }
    return found;
  }

  std::vector<char32_t> source_;
  std::size_t at_ = 0;
  std::map<std::string, Options> rules_;
  std::vector<char32_t> text_;
  std::map<std::pair<std::string, std::size_t>, Ends> memory_;
};

}  // namespace pensieve::grammar
