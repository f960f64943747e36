// Bytes of the buffer that a step's intermediate results take.
#pragma once

#include "base/units.h"
#include "gguf/model_shape.h"
#include "memory/context_settings.h"

namespace pensieve::memory {

// What libllama reserves for its largest step (a full batch over a full cache) on one device, from
// the shape alone. Once the file is local the engine's own reservation is exact.
Bytes compute_memory(const gguf::ModelShape& model, const ContextSettings& settings);

}  // namespace pensieve::memory
