// What a loaded model takes, term by term.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "gguf/model_shape.h"
#include "memory/context_settings.h"
#include "memory/machine_state.h"

namespace pensieve::memory {

// Beside the model itself.
struct Extras {
  Bytes lora;              // adapters
  Bytes projector;         // for images
  Bytes prompt_cache;      // kept conversations
  Bytes compute_reserved;  // the engine's own figure for the compute buffer; 0: predicted from the shape
};

// Where the layers go. On unified memory and on a CPU everything counts once, against one budget.
struct Placement {
  bool repacks = false;          // the CPU's kernels keep own copies of some formats
  bool tiles = false;            // and lay matrices out for its matrix instructions
  std::uint32_t gpu_layers = 0;  // on a card of its own, counted from the last; layers + 1: the output too
  bool separate_gpu = false;
};

// All on the CPU, as planning begins.
Placement placement_on(const MachineState& machine);

// One summand; `note` says where it comes from.
struct Term {
  std::string name;
  Bytes bytes;
  std::string note;
};

struct ModelMemory {
  Bytes weights;   // the file's tensors, and a tied output matrix that a device needs twice
  Bytes cache;     // K, V and recurrent state
  Bytes compute;   // intermediate results
  Bytes overhead;  // logits, tokenizer, the process, extras
  Bytes gpu;       // of all that, on a card of its own
  [[nodiscard]] Bytes total() const { return weights + cache + compute + overhead; }
};

ModelMemory model_memory(const gguf::ModelShape& model, const ContextSettings& settings, const Placement& placement = {},
                         const Extras& extras = {});

// The same as a list that adds up to total().
std::vector<Term> explain(const gguf::ModelShape& model, const ContextSettings& settings, const Placement& placement = {},
                          const Extras& extras = {});

// True if the x86 kernels of ggml repack matrices of this format (and so can't share a token table
// that is also the output matrix).
bool is_repacked(std::string_view format);

// What `bytes` of matrices of this format take more when ggml lays them out for AMX; empty for formats
// that it has no such kernels for. Sums and offsets are kept beside the blocks of some formats.
std::optional<Bytes> growth_in_tiles(std::string_view format, Bytes bytes);

}  // namespace pensieve::memory
