// What the fitted weights see of a text: hashed words and pairs of words (which topic, which kind of
// task) and a few figures on its structure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "selector/text_scan.h"

namespace pensieve::selector {

inline constexpr std::size_t kBuckets = 1 << 14;
inline constexpr std::size_t kGroupCount = static_cast<std::size_t>(WordGroup::kCount);
// Structure figures, then one mark for the group of the first word, then a count for each group.
inline constexpr std::size_t kStructureFigures = 20;
inline constexpr std::size_t kFigures = kStructureFigures + 2 * kGroupCount;

struct Features {
  std::vector<std::uint16_t> buckets;  // that occur, each once, in order of occurrence
  std::array<float, kFigures> figures{};
};

// Computes features and keeps its working memory between calls. Not for two threads at once.
class FeatureExtractor {
 public:
  // Valid until the next call. Linear in the text up to kScanLimit.
  const Features& extract(std::string_view text);
  [[nodiscard]] const TextScan& scan() const { return scan_; }

 private:
  void add_bucket(std::uint32_t hash);
  void hash_words();
  void measure();

  TextScan scan_;
  Features features_;
  std::array<std::uint64_t, kBuckets / 64> seen_{};
};

}  // namespace pensieve::selector
