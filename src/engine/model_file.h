// Opening a GGUF file with libllama, with reasons that a person understands.
#pragma once

#include "base/result.h"
#include "engine/llama_api.h"
#include "ipc/messages.h"

namespace pensieve::engine {

// Opens the weights (mmap where possible). Errors: kNotFound, kIo (unreadable, truncated,
// damaged), kUnsupported (not a GGUF, an architecture or a kind of model that can't generate),
// kOutOfMemory.
Result<ModelHandle> open_model_file(const ipc::LoadModel& settings);

}  // namespace pensieve::engine
