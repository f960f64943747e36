#include "gguf/sliding_window.h"

#include <algorithm>
#include <array>

namespace pensieve::gguf {
namespace {

struct Pattern {
  std::string_view architecture;
  std::uint32_t period;      // every period-th layer looks at everything; 0: none slides
  bool full_first = false;   // the first of each period does, instead of the last
  std::uint32_t window = 0;  // if the metadata names none
};

// Where the metadata has no pattern of its own.
constexpr auto kPatterns = std::to_array<Pattern>({
    {"gemma2", 2},
    {"gemma3", 6},
    {"gemma3n", 5},
    {"gemma-embedding", 6},
    {"cohere2", 4},
    {"gpt-oss", 2},
    {"exaone4", 4},
    {"olmo2", 4},
    {"llama4", 4, false, 8192},
    {"smallthinker", 4, true},
    {"afmoe", 4},
});

}  // namespace

Result<std::vector<bool>> sliding_layers(std::string_view architecture, const Metadata& metadata, std::size_t layers,
                                         std::uint32_t& window) {
  constexpr std::string_view kKey = "attention.sliding_window_pattern";
  std::vector<bool> sliding(layers, false);
  const auto known = std::ranges::find(kPatterns, architecture, &Pattern::architecture);
  if (window == 0 && known != kPatterns.end()) window = known->window;
  if (window == 0) return sliding;
  if (metadata.has_array(kKey)) {
    const std::vector<std::uint32_t> flags = TRY(metadata.per_layer(kKey, layers, 0));
    for (std::size_t i = 0; i < layers; ++i) sliding[i] = flags[i] != 0;
    return sliding;
  }
  // Files of other architectures may name a window that their graph does not use (Mistral 7B v0.1, Phi-3).
  if (known == kPatterns.end()) {
    window = 0;
    return sliding;
  }
  const std::uint32_t period = TRY(metadata.number(kKey, known->period));
  for (std::size_t i = 0; i < layers && period > 0; ++i) {
    sliding[i] = known->full_first ? i % period != 0 : i % period < period - 1;
  }
  return sliding;
}

Result<std::size_t> first_sharing_layer(std::string_view architecture, const Metadata& metadata, std::size_t layers) {
  // Gemma 3n shares the caches of its first 20 layers, whatever its size (llama.cpp).
  constexpr std::size_t kGemma3nOwn = 20;
  if (architecture == "gemma3n") return std::min(layers, kGemma3nOwn);
  const std::uint32_t shared = TRY(metadata.number("attention.shared_kv_layers"));
  return layers - std::min<std::size_t>(layers, shared);
}

}  // namespace pensieve::gguf
