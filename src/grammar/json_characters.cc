#include "grammar/json_characters.h"

#include <format>
#include <utility>

#include "grammar/rules.h"

namespace pensieve::grammar {
namespace {

// Characters that JSON lets stand only as an escape of two characters.
constexpr std::pair<char32_t, char> kEscapes[] = {{U'"', '"'},  {U'\\', '\\'}, {U'\b', 'b'}, {U'\f', 'f'},
                                                  {U'\n', 'n'}, {U'\r', 'r'},  {U'\t', 't'}};

}  // namespace

CodeSet escaped_characters() {
  CodeSet escaped;
  escaped.add(0, 0x1F);
  for (const char32_t point : {U'"', U'\\', U'\x7F'}) escaped.add(point, point);
  return escaped;
}

std::string json_character(const CodeSet& set) {
  std::string body;
  const CodeSet plain = set.without(escaped_characters());
  if (!plain.empty()) {
    body = "[";
    for (const CodeRange& range : plain.ranges()) {
      body += class_character(range.first);
      if (range.last > range.first) body += "-" + class_character(range.last);
    }
    body += "]";
  }
  for (const auto& [point, letter] : kEscapes) {
    if (set.contains(point)) body += (body.empty() ? "" : " | ") + literal(std::format("\\{}", letter));
  }
  for (char32_t point = 0; point < 0x20; ++point) {
    if (!set.contains(point) || (point >= 8 && point <= 13 && point != 11)) continue;
    body += (body.empty() ? "" : " | ") + literal(std::format("\\u{:04x}", static_cast<unsigned>(point)));
  }
  return body;
}

std::string any_json_character() {
  return R"([^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2})))";
}

}  // namespace pensieve::grammar
