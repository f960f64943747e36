// AdaptiveMemoryManager: what fits, at which context, with which margin. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"
#include "gguf/model_shape.h"
#include "memory/context_settings.h"
#include "memory/machine_state.h"
#include "memory/model_memory.h"

namespace pensieve::memory {

enum class Verdict : std::uint8_t { kFits, kFitsWithLessContext, kDoesNotFit };

// "fits", "fits with less context", "does not fit".
std::string_view to_string(Verdict verdict);

struct Check {
  bool fits = false;
  Bytes needed;
  Bytes budget;        // the smallest of what the limit, the free memory and the GPU allow
  std::string reason;  // the bound that decides, with its figures
};

// Whether `memory` can be loaded now. What is mapped from the file (`mapped`) needs no free memory
// beyond what other programs leave as page cache, but counts against limit and total.
Check can_load(const ModelMemory& memory, const MachineState& machine);

struct PlanRequest {
  std::uint32_t context_tokens = 0;    // wished; 0: what the model was trained for, at most 8192
  std::uint32_t least_context = 2048;  // below it the model is refused
  bool within_trained = true;          // false: sequences share the cells, so that more than one trained context may be wished
  std::uint32_t parallel = 1;
  std::uint32_t batch_tokens = 512;
  std::optional<CacheType> cache;  // empty: f16, or quantized where that saves the context
  Placement placement;
  Extras extras;
};

struct Plan {
  Verdict verdict = Verdict::kDoesNotFit;
  ContextSettings settings;
  ModelMemory memory;
  Check check;
  std::uint32_t largest_context = 0;  // that fits, within the trained one
  std::uint32_t gpu_layers = 0;       // on a card of its own
};

// Share of the context that memory would allow which is planned for: the rest is air for what a
// prediction can't know (the design document's 70 %).
inline constexpr double kContextShare = 0.7;

// The largest context, in steps of 256, that fits with these settings; 0 if none does. Within the
// trained context; where memory decides, kContextShare of what would just fit.
std::uint32_t largest_context(const gguf::ModelShape& model, ContextSettings settings, const MachineState& machine,
                              const Placement& placement = {}, const Extras& extras = {});

// The best that fits: the wished context in f16; else less context down to `least_context`; else a
// quantized cache; else refused, with the figures.
Plan plan(const gguf::ModelShape& model, const PlanRequest& request, const MachineState& machine);

// Rows of logits that the worker asks for and sequences that it keeps for `parallel` requests.
ContextSettings worker_settings(const gguf::ModelShape& model, std::uint32_t context_tokens, std::uint32_t parallel,
                                std::uint32_t batch_tokens, CacheType cache);

}  // namespace pensieve::memory
