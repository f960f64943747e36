#include "memory/model_memory.h"

#include <algorithm>
#include <array>
#include <format>

#include "memory/cache_memory.h"
#include "memory/compute_memory.h"

namespace pensieve::memory {
namespace {

// What resident workers hold beside weights, cache and buffers: a line through those of a vocabulary of
// 49,152 and one of 262,144 entries (docs/memory.md has the figures). The constant part is the process with
// its libraries, graph and stacks.
constexpr Bytes kProcess = mebibytes(20);
// Strings, hash tables and merges of the tokenizer, per vocabulary entry.
constexpr std::int64_t kTokenizerBytesPerEntry = 190;

Bytes logits_bytes(const gguf::ModelShape& model, const ContextSettings& settings) {
  const std::int64_t rows = std::max<std::int64_t>(settings.outputs, settings.sequences);
  return Bytes{static_cast<std::int64_t>(model.vocabulary) * static_cast<std::int64_t>(sizeof(float))} * rows;
}

// Where there are tiles, models with latent attention stay as they are in the file (engine/weight_layout.h).
bool keeps_file_layout(const gguf::ModelShape& model, const Placement& placement) {
  return placement.tiles && std::ranges::any_of(model.layers, [](const gguf::LayerShape& layer) { return layer.latent_rank > 0; });
}

Bytes second_output(const gguf::ModelShape& model, const Placement& placement) {
  if (!model.tied_embeddings || keeps_file_layout(model, placement)) return {};
  const bool on_gpu = placement.separate_gpu && placement.gpu_layers > model.layers.size();
  if (!on_gpu && placement.tiles && model.token_table_fits_tiles) {
    if (const auto growth = growth_in_tiles(model.token_table_type, model.token_table_bytes)) return model.token_table_bytes + *growth;
  }
  return on_gpu || (placement.repacks && is_repacked(model.token_table_type)) ? model.token_table_bytes : Bytes{0};
}

// What matrices take more in tiles than in the file.
Bytes tile_growth(const gguf::ModelShape& model, const Placement& placement) {
  Bytes growth;
  if (!placement.tiles || placement.gpu_layers > 0 || keeps_file_layout(model, placement)) return growth;
  for (const auto& [format, bytes] : model.tile_bytes_by_type) growth += growth_in_tiles(format, bytes).value_or(Bytes{0});
  return growth;
}

Bytes tokenizer_bytes(const gguf::ModelShape& model) { return Bytes{kTokenizerBytesPerEntry} * model.vocabulary; }

Bytes extras_bytes(const Extras& extras) { return extras.lora + extras.projector + extras.prompt_cache; }

// Layers leave the CPU from the last one backwards, their cache with them; the token table stays.
Bytes on_gpu(const gguf::ModelShape& model, const ContextSettings& settings, const Placement& placement, Bytes compute) {
  if (!placement.separate_gpu || placement.gpu_layers == 0) return {};
  gguf::ModelShape moved;
  moved.sliding_window = model.sliding_window;
  const std::size_t count = std::min<std::size_t>(placement.gpu_layers, model.layers.size());
  moved.layers.assign(model.layers.end() - static_cast<std::ptrdiff_t>(count), model.layers.end());
  Bytes bytes = cache_memory(moved, settings).total() + compute;
  for (const gguf::LayerShape& layer : moved.layers) bytes += layer.dense_bytes + layer.expert_bytes;
  if (placement.gpu_layers > model.layers.size()) bytes += model.output_bytes;
  return bytes;
}

}  // namespace

bool is_repacked(std::string_view format) {
  constexpr auto kRepacked = std::to_array<std::string_view>({"Q4_0", "Q4_K", "Q2_K", "IQ4_NL"});
  return std::ranges::find(kRepacked, format) != kRepacked.end();
}

std::optional<Bytes> growth_in_tiles(std::string_view format, Bytes bytes) {
  struct Layout {
    std::string_view format;
    std::int64_t block;  // bytes
    std::int64_t more;   // bytes beside each block
  };
  constexpr auto kLayouts = std::to_array<Layout>({{"Q4_0", 18, 0},
                                                   {"Q4_1", 20, 0},
                                                   {"Q8_0", 34, 4},
                                                   {"Q4_K", 144, 4},
                                                   {"Q5_K", 176, 4},
                                                   {"Q6_K", 210, 0},
                                                   {"IQ4_XS", 136, 2},
                                                   {"F16", 2, 0}});
  const auto found = std::ranges::find(kLayouts, format, &Layout::format);
  if (found == kLayouts.end()) return std::nullopt;
  return Bytes{bytes.value / found->block * found->more};
}

Placement placement_on(const MachineState& machine) {
  const bool on_cpu = !machine.unified && machine.gpu_memory <= Bytes{0};
  return {.repacks = on_cpu, .tiles = on_cpu && machine.tiles, .separate_gpu = machine.gpu_memory > Bytes{0}};
}

ModelMemory model_memory(const gguf::ModelShape& model, const ContextSettings& settings, const Placement& placement, const Extras& extras) {
  ModelMemory memory;
  memory.weights = model.tensor_bytes + second_output(model, placement) + tile_growth(model, placement);
  memory.cache = cache_memory(model, settings).total();
  memory.compute = extras.compute_reserved > Bytes{0} ? extras.compute_reserved : compute_memory(model, settings);
  memory.overhead = logits_bytes(model, settings) + tokenizer_bytes(model) + kProcess + extras_bytes(extras);
  memory.gpu = on_gpu(model, settings, placement, memory.compute);
  return memory;
}

std::vector<Term> explain(const gguf::ModelShape& model, const ContextSettings& settings, const Placement& placement,
                          const Extras& extras) {
  const ModelMemory memory = model_memory(model, settings, placement, extras);
  const CacheMemory cache = cache_memory(model, settings);
  const CacheCells cells = cache_cells(settings, model.sliding_window);
  Bytes dense;
  Bytes expert;
  for (const gguf::LayerShape& layer : model.layers) {
    dense += layer.dense_bytes;
    expert += layer.expert_bytes;
  }
  const Bytes untied = model.tied_embeddings ? Bytes{0} : model.output_bytes;
  const Bytes second = second_output(model, placement);
  const Bytes tiles = tile_growth(model, placement);
  std::vector<Term> terms = {
      {"layers", dense, std::format("{} layers that every token passes", model.layers.size())},
      {"experts", expert, std::format("{} experts, {} used by a token", model.experts, model.experts_used)},
      {"token table", model.token_table_bytes, std::format("{} entries x {}", model.vocabulary, model.embedding)},
      {"output matrix", untied, model.tied_embeddings ? "the token table" : "of its own"},
      {"output matrix copy", second, "for the kernels that need another layout"},
      {"tiles", tiles, "what matrices take more in the layout of AMX kernels"},
      {"other tensors", memory.weights - dense - expert - model.token_table_bytes - untied - second - tiles, "norms, padding"},
      {"KV cache", cache.full, std::format("{} cells in {} stream(s), {}", cells.full, cells.streams, format_of(settings.cache).name)},
      {"KV cache, sliding window", cache.sliding, std::format("{} cells, window {}", cells.sliding, model.sliding_window)},
      {"recurrent state", cache.state, std::format("{} sequence(s)", settings.sequences)},
      {"compute buffer", memory.compute, extras.compute_reserved > Bytes{0} ? "reserved by the engine" : "predicted from the shape"},
      {"logits", logits_bytes(model, settings), "one row an output"},
      {"tokenizer", tokenizer_bytes(model), std::format("{} entries", model.vocabulary)},
      {"process", kProcess, "libraries, threads"},
      {"adapters", extras.lora, "LoRA"},
      {"projector", extras.projector, "images"},
      {"prompt cache", extras.prompt_cache, "kept conversations"},
  };
  std::erase_if(terms, [](const Term& term) { return term.bytes == Bytes{0}; });
  return terms;
}

}  // namespace pensieve::memory
