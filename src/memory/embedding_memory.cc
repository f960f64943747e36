#include "memory/embedding_memory.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace pensieve::memory {
namespace {

// A step of a model that keeps a cache: the engine takes as few tokens as bounds the logits, which nobody reads.
constexpr std::uint64_t kMostLogits = std::uint64_t{8} << 20U;

std::uint32_t batch_of(const gguf::ModelShape& model, std::uint32_t tokens) {
  if (reads_at_once(model)) return tokens;
  const std::uint64_t most = std::clamp<std::uint64_t>(kMostLogits / std::max(model.vocabulary, 1U), 16, 256);
  return std::min(tokens, static_cast<std::uint32_t>(most));
}

// Of libllama's largest step for models without a cache, as it was measured for three architectures: the widest
// of attention and feed-forward, what stands beside them, and the mask of all tokens with all others.
Bytes compute_at_once(const gguf::ModelShape& model, std::uint32_t tokens) {
  constexpr std::uint64_t kNumbers = 8;  // ids, places
  const std::uint64_t width = model.embedding;
  std::uint64_t widest = 0;
  for (const gguf::LayerShape& layer : model.layers) {
    const std::uint64_t heads = std::uint64_t{layer.heads} * layer.key_length;
    const std::uint64_t both = std::uint64_t{layer.kv_heads} * (layer.key_length + std::uint64_t{layer.value_length});
    const std::uint64_t dense =
        layer.gated || layer.fused_gate ? 5 * width + 3ULL * layer.feed_forward : 2 * width + 2ULL * layer.feed_forward;
    const std::uint64_t experts = 5 * width + model.experts_used * (width + 3ULL * layer.expert_feed_forward);
    widest = std::max({widest, 4 * width + heads + both, dense, layer.expert_feed_forward > 0 ? experts : 0});
  }
  const std::uint64_t mask = 2ULL * tokens * tokens;
  return Bytes{static_cast<std::int64_t>((widest + kNumbers) * sizeof(float) * tokens + mask)};
}

// As the model is opened: no logits of its own, and no cache where it keeps none.
gguf::ModelShape as_opened(const gguf::ModelShape& model) {
  gguf::ModelShape opened = model;
  if (!reads_at_once(model)) return opened;
  opened.tied_embeddings = false;
  for (gguf::LayerShape& layer : opened.layers) layer.attention = false;
  return opened;
}

ContextSettings settings_for(const gguf::ModelShape& model, std::uint32_t tokens) {
  const std::uint32_t batch = batch_of(model, tokens);
  return {.context_tokens = tokens, .sequences = 1, .batch_tokens = batch, .outputs = reads_at_once(model) ? 1 : batch};
}

}  // namespace

bool reads_at_once(const gguf::ModelShape& model) {
  constexpr auto kArchitectures = std::to_array<std::string_view>(
      {"bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert", "gemma-embedding"});
  return std::ranges::find(kArchitectures, model.architecture) != kArchitectures.end();
}

ModelMemory embedding_memory(const gguf::ModelShape& model, std::uint32_t tokens, const Placement& placement) {
  Extras extras;
  if (reads_at_once(model)) extras.compute_reserved = compute_at_once(model, tokens);
  return model_memory(as_opened(model), settings_for(model, tokens), placement, extras);
}

Plan plan_embeddings(const gguf::ModelShape& model, const MachineState& machine) {
  const auto trained = static_cast<std::uint32_t>(std::min<std::uint64_t>(model.context_length, kMostEmbeddingTokens));
  const std::uint32_t most = trained > 0 ? trained : kMostEmbeddingTokens;
  const std::uint32_t least = std::min(most, kLeastEmbeddingTokens);
  Placement placement = placement_on(machine);
  if (placement.separate_gpu) placement.gpu_layers = static_cast<std::uint32_t>(model.layers.size()) + 1;
  Plan plan;
  for (std::uint32_t tokens = most;; tokens = std::max(tokens / 2, least)) {
    plan.settings = settings_for(model, tokens);
    plan.memory = embedding_memory(model, tokens, placement);
    plan.gpu_layers = placement.gpu_layers;
    plan.check = can_load(plan.memory, machine);
    if (plan.memory.gpu > machine.gpu_memory) plan.check.fits = false;
    if (plan.check.fits || tokens == least) break;
  }
  if (!plan.check.fits) return plan;
  plan.largest_context = plan.settings.context_tokens;
  plan.verdict = plan.largest_context == most ? Verdict::kFits : Verdict::kFitsWithLessContext;
  return plan;
}

}  // namespace pensieve::memory
