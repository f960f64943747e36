// Reads texts, each as its length in bytes (uint32) and the bytes, and writes their features as the
// server computes them, for fit.py: count of buckets (uint32), the buckets (uint16 each), the
// figures (float32 each). Native byte order.
#include <cstdint>
#include <cstdio>
#include <string>

#include "selector/features.h"

int main() {
  pensieve::selector::FeatureExtractor extractor;
  std::uint32_t length = 0;
  while (std::fread(&length, sizeof length, 1, stdin) == 1) {
    std::string text(length, '\0');
    if (std::fread(text.data(), 1, length, stdin) != length) {
      std::fputs("the input is cut short\n", stderr);
      return 1;
    }
    const auto& features = extractor.extract(text);
    const auto count = static_cast<std::uint32_t>(features.buckets.size());
    std::fwrite(&count, sizeof count, 1, stdout);
    std::fwrite(features.buckets.data(), sizeof(std::uint16_t), count, stdout);
    std::fwrite(features.figures.data(), sizeof(float), features.figures.size(), stdout);
  }
}
