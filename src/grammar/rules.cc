#include "grammar/rules.h"

#include <cctype>
#include <format>

namespace pensieve::grammar {
namespace {

constexpr std::uint64_t kBlock = 256;
// More than any context holds; a larger bound is none.
constexpr std::uint64_t kEndless = kBlock * kBlock * kBlock;

std::string name_part(std::string_view hint) {
  std::string part;
  for (const char c : hint.substr(0, 40)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      part += c;
    } else if (!part.empty() && part.back() != '-') {
      part += '-';
    }
  }
  while (part.ends_with('-')) part.pop_back();
  return part.empty() ? "rule" : part;
}

std::string exactly(Rules& rules, const std::string& item, std::uint64_t count) {
  if (count == 0) return "\"\"";
  if (count == 1) return item;
  if (count <= kBlock) return std::format("{}{{{}}}", item, count);
  const std::string block = rules.add("block", exactly(rules, item, kBlock));
  std::string text = exactly(rules, block, count / kBlock);
  if (count % kBlock > 0) text += " " + exactly(rules, item, count % kBlock);
  return rules.add("many", text);
}

std::string at_most(Rules& rules, const std::string& item, std::uint64_t count) {
  if (count == 1) return item + "?";
  if (count <= kBlock) return std::format("{}{{0,{}}}", item, count);
  const std::string block = rules.add("block", exactly(rules, item, kBlock));
  const std::string part = std::format("{}{{0,{}}}", item, kBlock - 1);
  if (count >= kBlock * kBlock) return rules.add("many", std::format("{}* {}", block, part));
  std::string rest = count % kBlock > 0 ? rules.add("few", at_most(rules, item, count % kBlock)) : "\"\"";
  for (std::uint64_t i = 0; i < count / kBlock; ++i) rest = rules.add("few", std::format("{} {} | {}", block, rest, part));
  return rest;
}

}  // namespace

std::string Rules::add(std::string_view hint, const std::string& body) {
  if (const auto known = names_.find(body); known != names_.end()) return known->second;
  std::string name = declare(hint);
  names_.emplace(body, name);
  define(name, body);
  return name;
}

std::string Rules::declare(std::string_view hint) {
  const std::string part = name_part(hint);
  std::string name = part == "root" ? "root-0" : part;
  for (int i = 1; bodies_.contains(name); ++i) name = std::format("{}-{}", part, i + static_cast<int>(bodies_.size()));
  bodies_.emplace(name, "");
  return name;
}

void Rules::define(const std::string& name, std::string body) {
  bytes_ += name.size() + body.size();
  bodies_[name] = std::move(body);
}

std::string Rules::text(const std::string& root) const {
  std::string text = "root ::= " + root + "\n";
  for (const auto& [name, body] : bodies_) text += name + " ::= " + body + "\n";
  return text;
}

std::string literal(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          out += std::format("\\x{:02X}", static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

std::string class_character(char32_t point) {
  if (point < 0x80 && std::isalnum(static_cast<int>(point)) != 0) return {static_cast<char>(point)};
  const auto number = static_cast<std::uint32_t>(point);
  if (number < 0x100) return std::format("\\x{:02X}", number);
  return number < 0x10000 ? std::format("\\u{:04X}", number) : std::format("\\U{:08X}", number);
}

std::string repeat(Rules& rules, const std::string& item, std::uint64_t least, std::optional<std::uint64_t> most) {
  if (most && *most >= kEndless) most.reset();
  if (most && *most == least) return exactly(rules, item, least);
  if (most && *most <= kBlock) return least == 0 ? at_most(rules, item, *most) : std::format("{}{{{},{}}}", item, least, *most);
  const std::string rest = most ? at_most(rules, item, *most - least) : item + "*";
  return least == 0 ? rest : exactly(rules, item, least) + " " + rest;
}

}  // namespace pensieve::grammar
