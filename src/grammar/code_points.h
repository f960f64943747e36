// Sets of Unicode code points, and UTF-8 to code points.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pensieve::grammar {

struct CodeRange {
  char32_t first = 0;
  char32_t last = 0;
  bool operator==(const CodeRange&) const = default;
};

// Sorted ranges without overlap.
class CodeSet {
 public:
  void add(char32_t first, char32_t last);
  void add(const CodeSet& other);
  [[nodiscard]] CodeSet complement() const;  // within all code points but surrogates
  [[nodiscard]] CodeSet without(const CodeSet& other) const;
  [[nodiscard]] bool contains(char32_t point) const;
  [[nodiscard]] const std::vector<CodeRange>& ranges() const { return ranges_; }
  [[nodiscard]] bool empty() const { return ranges_.empty(); }

 private:
  std::vector<CodeRange> ranges_;
};

// Code points of valid UTF-8.
std::vector<char32_t> code_points(std::string_view text);
std::string to_utf8(char32_t point);

}  // namespace pensieve::grammar
