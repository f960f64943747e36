// What a model made for embeddings takes: no cache or a small one, and room for a whole text at once.
#pragma once

#include <cstdint>

#include "gguf/model_shape.h"
#include "memory/machine_state.h"
#include "memory/model_memory.h"
#include "memory/plan.h"

namespace pensieve::memory {

// True for models that read a whole text in one step and keep nothing of it (libllama gives them no cache).
bool reads_at_once(const gguf::ModelShape& model);

// With texts of at most `tokens`.
ModelMemory embedding_memory(const gguf::ModelShape& model, std::uint32_t tokens, const Placement& placement = {});

// The longest texts that fit, up to what the model was trained for and kMostEmbeddingTokens; refused below
// kLeastEmbeddingTokens, or what it was trained for if that is less. Settings of the plan: that many tokens of
// context, one sequence.
inline constexpr std::uint32_t kMostEmbeddingTokens = 8192;
inline constexpr std::uint32_t kLeastEmbeddingTokens = 128;
Plan plan_embeddings(const gguf::ModelShape& model, const MachineState& machine);

}  // namespace pensieve::memory
