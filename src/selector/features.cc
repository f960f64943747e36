#include "selector/features.h"

#include <algorithm>
#include <cmath>

namespace pensieve::selector {
namespace {

constexpr std::uint32_t kPairSalt = 0x9E3779B9U;
constexpr std::uint32_t kPrefixSalt = 0x85EBCA6BU;

// Spreads a hash over all bits, so that its low bits choose a bucket well.
std::uint32_t mixed(std::uint32_t hash) {
  hash ^= hash >> 15;
  hash *= 0x2C1B3C6DU;
  hash ^= hash >> 12;
  hash *= 0x297A2D39U;
  return hash ^ (hash >> 15);
}

float log_of(double count) { return static_cast<float>(std::log1p(count)); }

}  // namespace

const Features& FeatureExtractor::extract(std::string_view text) {
  scan_text(text, scan_);
  features_.buckets.clear();
  features_.figures.fill(0);
  seen_.fill(0);
  hash_words();
  measure();
  return features_;
}

void FeatureExtractor::add_bucket(std::uint32_t hash) {
  const std::uint32_t bucket = mixed(hash) % kBuckets;
  std::uint64_t& word = seen_[bucket / 64];
  const std::uint64_t bit = std::uint64_t{1} << (bucket % 64);
  if ((word & bit) != 0) return;
  word |= bit;
  features_.buckets.push_back(static_cast<std::uint16_t>(bucket));
}

void FeatureExtractor::hash_words() {
  std::uint32_t before = 0;
  for (const Word& word : scan_.words) {
    add_bucket(word.hash);
    if (word.prefix != 0) add_bucket(word.prefix ^ kPrefixSalt);
    if (before != 0) add_bucket((before * 31) ^ mixed(word.hash) ^ kPairSalt);
    before = word.hash;
  }
}

void FeatureExtractor::measure() {
  const auto words = static_cast<double>(scan_.words.size());
  const double at_least_one = std::max(words, 1.0);
  std::array<double, kGroupCount> groups{};
  double numbers = 0;
  double wide = 0;
  double length = 0;
  for (const Word& word : scan_.words) {
    groups[static_cast<std::size_t>(word.group)] += 1;
    numbers += word.number ? 1 : 0;
    wide += word.wide ? 1 : 0;
    length += std::min<int>(word.length, 20);
  }
  const bool open = scan_.options < 2;
  std::size_t i = 0;
  const auto put = [&](double value) { features_.figures[i++] = static_cast<float>(value); };
  put(log_of(words));
  put(log_of(scan_.body_words));
  put(log_of(scan_.options));
  put(open ? 0 : 1);
  put(log_of(numbers));
  put(numbers / at_least_one);
  put(log_of(scan_.code_marks));
  put(std::min(1.0, scan_.code_marks / at_least_one));
  put(log_of(scan_.formula_marks));
  put(scan_.formula_marks > 1 ? 1 : 0);
  put(log_of(scan_.operators));
  put(log_of(scan_.commas));
  put(std::min(1.0, scan_.commas / at_least_one));
  put(scan_.blanks > 0 ? 1 : 0);
  put(length / at_least_one / 5);
  put(wide / at_least_one);
  put(open && words < 6 ? 1 : 0);
  put(open && words < 12 ? 1 : 0);
  put(open && words < 25 ? 1 : 0);
  put(static_cast<double>(features_.buckets.size()) / (3 * at_least_one));
  if (!scan_.words.empty()) features_.figures[i + static_cast<std::size_t>(scan_.words.front().group)] = 1;
  i += kGroupCount;
  for (const double count : groups) put(log_of(count));
}

}  // namespace pensieve::selector
