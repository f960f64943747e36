// Text of a GBNF grammar in the making: rules, literals, character classes, bounded repetition.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pensieve::grammar {

// Rules by name. A body that was added before is not added again.
class Rules {
 public:
  // Name of a rule with this body, new or existing. `hint` becomes part of a new name.
  std::string add(std::string_view hint, const std::string& body);

  // A name whose body follows by define(): for rules that lead to themselves.
  std::string declare(std::string_view hint);
  void define(const std::string& name, std::string body);

  [[nodiscard]] bool contains(std::string_view name) const { return bodies_.contains(name); }

  // All rules, one a line, `root` first with the given body.
  [[nodiscard]] std::string text(const std::string& root) const;

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::map<std::string, std::string, std::less<>> bodies_;  // by name
  std::map<std::string, std::string> names_;                // by body
  std::size_t bytes_ = 0;
};

// `text` as a quoted terminal.
std::string literal(std::string_view text);

// A code point within a character class.
std::string class_character(char32_t point);

// `item` (one symbol or a group) `least` to `most` times; absent: without end. Counts over a few hundred
// become blocks of blocks, because the sampler unrolls every count into as many rules: the rest of
// "at most n" is either a whole block and what may follow it, or a part of one.
std::string repeat(Rules& rules, const std::string& item, std::uint64_t least, std::optional<std::uint64_t> most);

}  // namespace pensieve::grammar
