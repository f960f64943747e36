// Which layers look back a limited distance, and which share the cache of another: what the
// architectures define and the metadata says only in part.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/metadata.h"

namespace pensieve::gguf {

// One flag a layer. A per-layer array in the metadata decides; else its period, else the
// architecture's (llama.cpp). `window` 0: none.
Result<std::vector<bool>> sliding_layers(std::string_view architecture, const Metadata& metadata, std::size_t layers,
                                         std::uint32_t& window);

// The first of the layers that have no cache of their own; `layers` if all have.
Result<std::size_t> first_sharing_layer(std::string_view architecture, const Metadata& metadata, std::size_t layers);

}  // namespace pensieve::gguf
