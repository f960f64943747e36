#include "memory/context_settings.h"

#include <algorithm>

namespace pensieve::memory {
namespace {

constexpr std::uint64_t kPad = 256;  // libllama pads every cache to it

constexpr std::uint64_t padded(std::uint64_t cells) { return (cells + kPad - 1) / kPad * kPad; }

}  // namespace

std::optional<CacheType> find_cache_type(std::string_view name) {
  for (const CacheFormat& format : kCacheFormats) {
    if (format.name == name) return format.type;
  }
  return std::nullopt;
}

CacheCells cache_cells(const ContextSettings& settings, std::uint32_t window) {
  const std::uint64_t sequences = std::max(settings.sequences, 1U);
  CacheCells cells;
  cells.streams = settings.unified ? 1 : sequences;
  const std::uint64_t context = padded(std::max(settings.context_tokens, 1U));
  cells.full = settings.unified ? context : padded(context / sequences);
  const std::uint64_t batch = std::min<std::uint64_t>(settings.batch_tokens, context);
  cells.sliding = padded(std::min(cells.full, std::uint64_t{window} * (settings.unified ? sequences : 1) + batch));
  return cells;
}

}  // namespace pensieve::memory
