// Bytes of a context's caches: attention (K and V) and recurrent state.
#pragma once

#include "base/units.h"
#include "gguf/model_shape.h"
#include "memory/context_settings.h"

namespace pensieve::memory {

struct CacheMemory {
  Bytes full;     // layers that look at the whole context
  Bytes sliding;  // layers that look back a window
  Bytes state;    // recurrent state and convolution tails, by sequence
  [[nodiscard]] Bytes total() const { return full + sliding + state; }
};

// As libllama allocates it, to the byte (tests/memory compares).
CacheMemory cache_memory(const gguf::ModelShape& model, const ContextSettings& settings);

// Attention cache of one layer for one cell.
Bytes cell_bytes(const gguf::LayerShape& layer, CacheType type);

}  // namespace pensieve::memory
