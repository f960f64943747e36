// Reads JSONL with a "text" field and writes each text's features as the server computes them, for
// fit.py: count of buckets (uint32), the buckets (uint16 each), the figures (float32 each).
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>

#include "api/json_value.h"
#include "selector/features.h"

int main() {
  pensieve::selector::FeatureExtractor extractor;
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto body = pensieve::api::parse_body(line);
    if (!body || !body->get_object().contains("text")) {
      std::cerr << "not an object with a text: " << line.substr(0, 80) << '\n';
      return 1;
    }
    const auto& features = extractor.extract(body->get_object().at("text").get_string());
    const auto count = static_cast<std::uint32_t>(features.buckets.size());
    std::fwrite(&count, sizeof count, 1, stdout);
    std::fwrite(features.buckets.data(), sizeof(std::uint16_t), count, stdout);
    std::fwrite(features.figures.data(), sizeof(float), features.figures.size(), stdout);
  }
}
