// How a model's context is opened: everything that its memory depends on besides its shape.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pensieve::memory {

enum class CacheType : std::uint8_t { kF16, kQ8_0, kQ4_0 };

struct CacheFormat {
  CacheType type;
  std::string_view name;  // as in the configuration
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
};

inline constexpr std::array<CacheFormat, 3> kCacheFormats = {{
    {CacheType::kF16, "f16", 1, 2},
    {CacheType::kQ8_0, "q8_0", 32, 34},
    {CacheType::kQ4_0, "q4_0", 32, 18},
}};

constexpr const CacheFormat& format_of(CacheType type) { return kCacheFormats[static_cast<std::size_t>(type)]; }
std::optional<CacheType> find_cache_type(std::string_view name);

struct ContextSettings {
  std::uint32_t context_tokens = 4096;  // of the whole cache
  std::uint32_t sequences = 1;          // that the cache keeps apart (n_seq_max)
  std::uint32_t batch_tokens = 512;     // of one step (n_ubatch)
  std::uint32_t outputs = 0;            // rows of logits in one step; 0: one a token
  CacheType cache = CacheType::kF16;
  bool flash_attention = true;
  bool unified = true;  // one pool of cells for all sequences
};

// What libllama makes of the settings.
struct CacheCells {
  std::uint64_t full = 0;     // cells of a full-attention layer in one stream
  std::uint64_t sliding = 0;  // of a sliding layer in one stream
  std::uint64_t streams = 1;  // separate caches
};

// `window`: of sliding layers; 0 if there are none.
CacheCells cache_cells(const ContextSettings& settings, std::uint32_t window);

}  // namespace pensieve::memory
