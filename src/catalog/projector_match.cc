#include "catalog/projector_match.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <string>
#include <vector>

namespace pensieve {
namespace {

bool is_precision(std::string_view word) {
  constexpr auto kOthers = std::to_array<std::string_view>({"f16", "f32", "bf16", "fp16", "fp32"});
  const bool quantized = word.size() >= 2 && (word.front() == 'q' || word.starts_with("iq")) && word.find_first_of("0123456789") <= 2;
  return quantized || std::ranges::contains(kOthers, word);
}

// The words of a projector's name that tell whose it is. "model" stands for any: converters write "mmproj-model-f16".
std::vector<std::string_view> telling_words(std::string_view id) {
  std::vector<std::string_view> words;
  for (const auto part : std::views::split(id, '-')) {
    const std::string_view word(part.begin(), part.end());
    if (!word.empty() && word != "mmproj" && word != "model") words.push_back(word);
  }
  while (!words.empty() && is_precision(words.back())) words.pop_back();
  return words;
}

}  // namespace

bool names_model(std::string_view projector_id, std::string_view model_id) {
  const std::vector<std::string_view> words = telling_words(projector_id);
  std::string begin;
  for (const std::string_view word : words) begin += std::string(word) + "-";
  return !begin.empty() && (std::string(model_id) + "-").starts_with(begin);
}

}  // namespace pensieve
