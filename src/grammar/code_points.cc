#include "grammar/code_points.h"

#include <algorithm>

namespace pensieve::grammar {
namespace {

constexpr char32_t kLast = 0x10FFFF;
constexpr char32_t kSurrogates = 0xD800;
constexpr char32_t kAfterSurrogates = 0xE000;

}  // namespace

void CodeSet::add(char32_t first, char32_t last) {
  if (first > last) return;
  ranges_.push_back({first, last});
  std::ranges::sort(ranges_, {}, &CodeRange::first);
  std::vector<CodeRange> merged;
  for (const CodeRange& range : ranges_) {
    if (!merged.empty() && range.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  ranges_ = std::move(merged);
}

void CodeSet::add(const CodeSet& other) {
  for (const CodeRange& range : other.ranges_) add(range.first, range.last);
}

CodeSet CodeSet::complement() const {
  CodeSet rest;
  CodeSet taken = *this;
  taken.add(kSurrogates, kAfterSurrogates - 1);
  char32_t next = 0;
  for (const CodeRange& range : taken.ranges_) {
    if (range.first > next) rest.ranges_.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLast) rest.ranges_.push_back({next, kLast});
  return rest;
}

CodeSet CodeSet::without(const CodeSet& other) const {
  CodeSet either = complement();
  either.add(other);
  return either.complement();
}

bool CodeSet::contains(char32_t point) const {
  return std::ranges::any_of(ranges_, [&](const CodeRange& range) { return range.first <= point && point <= range.last; });
}

std::vector<char32_t> code_points(std::string_view text) {
  std::vector<char32_t> points;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t point = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t k = 1; k < length && i + k < text.size(); ++k) point = point << 6U | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    points.push_back(point);
    i += length;
  }
  return points;
}

std::string to_utf8(char32_t point) {
  const auto byte = [](char32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xC0 | point >> 6U), byte(0x80 | (point & 0x3F))};
  if (point < 0x10000) return {byte(0xE0 | point >> 12U), byte(0x80 | (point >> 6U & 0x3F)), byte(0x80 | (point & 0x3F))};
  return {byte(0xF0 | point >> 18U), byte(0x80 | (point >> 12U & 0x3F)), byte(0x80 | (point >> 6U & 0x3F)), byte(0x80 | (point & 0x3F))};
}

}  // namespace pensieve::grammar
