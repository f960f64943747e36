#include "memory/cache_memory.h"

#include <algorithm>

namespace pensieve::memory {
namespace {

std::int64_t row_bytes(std::uint64_t elements, CacheType type) {
  const CacheFormat& format = format_of(type);
  return static_cast<std::int64_t>((elements + format.block_elements - 1) / format.block_elements * format.block_bytes);
}

}  // namespace

Bytes cell_bytes(const gguf::LayerShape& layer, CacheType type) {
  if (!layer.attention || layer.shares_kv) return {};
  const std::int64_t key = row_bytes(std::uint64_t{layer.kv_heads} * layer.key_length, type);
  // Latent attention keeps one row; values are read out of it.
  if (layer.latent_rank > 0) return {key};
  return {key + row_bytes(std::uint64_t{layer.kv_heads} * layer.value_length, type)};
}

namespace {

// Without flash attention values lie transposed, in rows as wide as the widest layer's.
Bytes padding_of_values(const gguf::ModelShape& model, const gguf::LayerShape& layer, const ContextSettings& settings) {
  if (settings.flash_attention || layer.latent_rank > 0 || !layer.attention || layer.shares_kv) return {};
  std::uint64_t widest = 0;
  for (const gguf::LayerShape& other : model.layers) widest = std::max(widest, std::uint64_t{other.kv_heads} * other.value_length);
  const std::uint64_t own = std::uint64_t{layer.kv_heads} * layer.value_length;
  return {row_bytes(widest, settings.cache) - row_bytes(own, settings.cache)};
}

}  // namespace

CacheMemory cache_memory(const gguf::ModelShape& model, const ContextSettings& settings) {
  const CacheCells cells = cache_cells(settings, model.sliding_window);
  const auto sequences = static_cast<std::int64_t>(std::max(settings.sequences, 1U));
  CacheMemory memory;
  for (const gguf::LayerShape& layer : model.layers) {
    const Bytes cell = cell_bytes(layer, settings.cache) + padding_of_values(model, layer, settings);
    const std::uint64_t count = (layer.sliding ? cells.sliding : cells.full) * cells.streams;
    (layer.sliding ? memory.sliding : memory.full) += cell * static_cast<std::int64_t>(count);
    const std::uint64_t elements = layer.conv_elements + layer.state_elements;
    memory.state += Bytes{static_cast<std::int64_t>(elements * sizeof(float))} * sequences;
  }
  return memory;
}

}  // namespace pensieve::memory
