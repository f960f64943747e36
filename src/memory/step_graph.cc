#include "memory/step_graph.h"

#include <algorithm>

namespace pensieve::memory {
namespace {

using gguf::LayerShape;
using gguf::StateKind;

// Quantized caches hold rotated rows; the rotation is a square input as wide as the largest power
// of two that divides a head, from 64 on.
std::uint64_t rotation_width(std::uint32_t head) {
  if (head % 64 != 0 || head == 0) return 0;
  std::uint64_t width = 64;
  while (head % (width * 2) == 0) width *= 2;
  return width;
}

}  // namespace

StepGraph::StepGraph(const gguf::ModelShape& model, const ContextSettings& settings)
    : model_(model), settings_(settings), cells_(cache_cells(settings, model.sliding_window)) {
  lifetimes_.reserve(256);
  sequences_ = std::max(settings.sequences, 1U);
  rows_ = std::min<std::uint64_t>(settings.batch_tokens, cells_.full * cells_.streams);
  rows_ = (rows_ + sequences_ - 1) / sequences_ * sequences_;
  outputs_ = settings.outputs == 0 ? rows_ : std::min<std::uint64_t>(rows_, settings.outputs);
}

void StepGraph::add_attention_inputs(bool sliding) {
  std::uint64_t value_width = 0;
  std::uint32_t key_head = 0;
  bool any = false;
  bool latent = false;
  for (const LayerShape& layer : model_.layers) {
    if (!layer.attention) continue;
    value_width = std::max(value_width, std::uint64_t{layer.kv_heads} * layer.value_length);
    key_head = std::max(key_head, layer.key_length);
    any |= layer.sliding == sliding;
    latent |= layer.latent_rank > 0;
  }
  if (!any) return;
  const std::uint64_t cells = sliding ? cells_.sliding : cells_.full;
  lifetimes_.input(rows_ * 8);
  Tensor& places = sliding ? places_sliding_ : places_full_;
  if (!latent) places = lifetimes_.input(settings_.flash_attention ? rows_ * 8 : rows_ * value_width * 8);
  (sliding ? mask_sliding_ : mask_full_) = lifetimes_.input(cells * rows_ * (settings_.flash_attention ? 2 : 4));
  if (settings_.cache != CacheType::kF16 && !latent) {
    const std::uint64_t key = rotation_width(key_head);
    lifetimes_.input(key * key * sizeof(float));
    lifetimes_.input(key > 0 ? 64 * 64 * sizeof(float) : 0);
  }
}

void StepGraph::begin() {
  const std::uint64_t width = model_.embedding;
  lifetimes_.input(rows_ * 4);                           // tokens
  lifetimes_.input(rows_ * 4);                           // and, for prompts mixed with embeddings,
  lifetimes_.input(rows_ * 8);                           // tokens, places
  const Tensor mixed = lifetimes_.input(floats(width));  // and rows
  lifetimes_.input(rows_ * 4);                           // positions
  lifetimes_.input(floats(width));                       // rows given instead of tokens
  add_attention_inputs(false);
  add_attention_inputs(true);
  lifetimes_.input(outputs_ * 4);
  current_ = lifetimes_.operation(floats(width), {});
  const Tensor rows = lifetimes_.operation(floats(width), {});
  const Tensor copy = lifetimes_.operation(floats(width), {mixed});
  lifetimes_.keep(copy);  // nothing reads the branch that is not taken
  lifetimes_.operation(0, {rows, copy});
}

StepGraph::Tensor StepGraph::add(Tensor a, Tensor b) { return lifetimes_.operation(floats(model_.embedding), {a, b}, true); }

StepGraph::Tensor StepGraph::rotated(Tensor tensor, std::uint64_t width, std::uint32_t head) {
  if (settings_.cache == CacheType::kF16 || rotation_width(head) == 0) return tensor;
  return lifetimes_.operation(floats(width), {view(tensor)});
}

StepGraph::Tensor StepGraph::attend(const LayerShape& layer, Lifetimes::Use query, Tensor mask, std::uint64_t value_length) {
  const std::uint64_t out = std::uint64_t{layer.heads} * value_length;
  if (settings_.flash_attention) return lifetimes_.operation(floats(out), {query, mask});
  const std::uint64_t cells = layer.sliding ? cells_.sliding : cells_.full;
  const Tensor scores = lifetimes_.operation(floats(layer.heads * cells), {query});
  const Tensor weights = lifetimes_.operation(floats(layer.heads * cells), {scores, mask}, true);
  if (layer.latent_rank > 0) {
    // The values are read out of the latent rows and laid out anew (f16).
    const Tensor values = lifetimes_.operation(cells * cells_.streams * layer.latent_rank * 2, {});
    return lifetimes_.operation(floats(out), {weights, values});
  }
  const Tensor mixed = lifetimes_.operation(floats(out), {weights});
  return lifetimes_.operation(floats(out), {view(mixed)});
}

StepGraph::Tensor StepGraph::attention(const LayerShape& layer, Tensor normed) {
  const std::uint64_t query_width = std::uint64_t{layer.heads} * layer.key_length;
  const std::uint64_t key_width = std::uint64_t{layer.kv_heads} * layer.key_length;
  const std::uint64_t value_width = std::uint64_t{layer.kv_heads} * layer.value_length;
  const Tensor mask = layer.sliding ? mask_sliding_ : mask_full_;
  const auto positioned = [&](Lifetimes::Use from, std::uint64_t width) {
    // The norm of a head makes a new tensor, which the rotation then overwrites.
    if (layer.query_key_norm) return lifetimes_.operation(floats(width), {lifetimes_.operation(floats(width), {from})}, true);
    return lifetimes_.operation(floats(width), {from});
  };
  Tensor fused;
  if (layer.fused_qkv) fused = matrix(query_width + key_width + value_width, normed);
  const std::uint64_t gate = layer.query_gate ? 2 : 1;
  const Tensor q = layer.fused_qkv ? fused : matrix(query_width * gate, normed);
  Tensor query = rotated(positioned(view(q), query_width), query_width, layer.key_length);
  if (!layer.shares_kv) {
    Tensor value = layer.fused_qkv ? fused : matrix(value_width, normed);
    if (!layer.fused_qkv) value = rotated(value, value_width, layer.value_length);
    const Tensor k = layer.fused_qkv ? fused : matrix(key_width, normed);
    const Tensor key = rotated(positioned(view(k), key_width), key_width, layer.key_length);
    lifetimes_.operation(0, {view(key)});
    lifetimes_.operation(0, {view(value), layer.sliding ? places_sliding_ : places_full_});
  }
  Tensor out = attend(layer, view(query), mask, layer.value_length);
  out = rotated(out, std::uint64_t{layer.heads} * layer.value_length, layer.value_length);
  if (layer.query_gate) {
    const Tensor gates = lifetimes_.operation(floats(query_width), {view(q)});
    const Tensor open = lifetimes_.operation(floats(query_width), {gates}, true);
    out = lifetimes_.operation(floats(query_width), {view(out), open}, true);
  }
  return matrix(model_.embedding, view(out));
}

StepGraph::Tensor StepGraph::latent_attention(const LayerShape& layer, Tensor normed) {
  const std::uint64_t row = std::uint64_t{layer.latent_rank} + layer.latent_rope;
  Tensor source = normed;
  if (layer.query_rank > 0) source = norm(matrix(layer.query_rank, normed), layer.query_rank);
  const Tensor q = matrix(std::uint64_t{layer.heads} * layer.latent_key, source);
  const Tensor absorbed = matrix(std::uint64_t{layer.heads} * layer.latent_rank, view(q));
  const Tensor position = matrix(std::uint64_t{layer.heads} * layer.latent_rope, view(q));
  const Tensor query = lifetimes_.operation(floats(layer.heads * row), {view(absorbed), position});
  const Tensor latent = matrix(row, normed);
  const Tensor key_position = matrix(layer.latent_rope, view(latent));
  const Tensor value = lifetimes_.operation(floats(layer.latent_rank), {view(latent)});
  const Tensor key = lifetimes_.operation(floats(row), {view(value), view(key_position)});
  lifetimes_.operation(0, {view(key)});
  const Tensor out = attend(layer, view(query), mask_full_, layer.latent_rank);
  const Tensor values = matrix(std::uint64_t{layer.heads} * layer.latent_value, view(out));
  const Tensor joined = matrix(std::uint64_t{layer.heads} * layer.latent_value, view(values));
  return matrix(model_.embedding, view(joined));
}

StepGraph::Tensor StepGraph::mixer(const LayerShape& layer, Tensor normed) {
  switch (layer.state) {
    case StateKind::kMamba:
      return mamba(layer, normed);
    case StateKind::kDeltaNet:
      return delta_net(layer, normed);
    case StateKind::kShortConvolution:
      return short_convolution(normed);
    case StateKind::kRwkv:
      return rwkv(layer, normed);
    case StateKind::kMamba2:
      break;
    case StateKind::kNone:
      return layer.latent_rank > 0 ? latent_attention(layer, normed) : attention(layer, normed);
  }
  if (!layer.attention) return mamba2(layer, normed);
  // Both beside each other (Falcon-H1).
  const Tensor scanned = mamba2(layer, normed);
  return add(attention(layer, normed), scanned);
}

StepGraph::Tensor StepGraph::dense(std::uint64_t width, bool gated, bool fused, Tensor input) {
  if (fused) {
    const Tensor both = matrix(2 * width, input);
    return matrix(model_.embedding, matrix(width, both));
  }
  if (!gated) {
    const Tensor up = matrix(width, input);
    return matrix(model_.embedding, lifetimes_.operation(floats(width), {up}, true));
  }
  const Tensor gate = matrix(width, input);
  const Tensor up = matrix(width, input);
  return matrix(model_.embedding, lifetimes_.operation(floats(width), {gate, up}));
}

StepGraph::Tensor StepGraph::experts(const LayerShape& layer, Tensor input) {
  const std::uint64_t used = std::max(model_.experts_used, 1U);
  const Tensor logits = matrix(model_.experts, input);
  const Tensor chances = lifetimes_.operation(floats(model_.experts), {logits}, true);
  const Tensor order = matrix(model_.experts, chances);
  Tensor weights = lifetimes_.operation(floats(used), {view(chances), view(order)});
  if (model_.normalises_experts) {
    const Tensor sum = lifetimes_.operation(floats(1), {view(weights)});
    const Tensor clamped = lifetimes_.operation(floats(1), {sum}, true);
    weights = lifetimes_.operation(floats(used), {view(weights), clamped});
  }
  const std::uint64_t width = layer.expert_feed_forward * used;
  const Tensor gate = lifetimes_.operation(floats(width), {view(input), view(order)});
  const Tensor up = lifetimes_.operation(floats(width), {view(input), view(order)});
  const Tensor product = lifetimes_.operation(floats(width), {gate, up});
  const std::uint64_t out_width = model_.embedding * used;
  const Tensor out = lifetimes_.operation(floats(out_width), {product, view(order)});
  const Tensor weighted = lifetimes_.operation(floats(out_width), {out, view(weights)}, true);
  Tensor sum = lifetimes_.operation(floats(model_.embedding), {view(weighted), view(weighted)});
  for (std::uint64_t i = 2; i < used; ++i) sum = lifetimes_.operation(floats(model_.embedding), {sum, view(weighted)}, true);
  if (layer.shared_feed_forward > 0) sum = add(sum, dense(layer.shared_feed_forward, true, false, input));
  return sum;
}

void StepGraph::layer(const LayerShape& layer, bool last) {
  const std::uint64_t width = model_.embedding;
  Tensor mixed = mixer(layer, norm(current_, width));
  Tensor before = current_;
  if (last) {
    rows_ = outputs_;
    mixed = lifetimes_.operation(floats(width), {mixed});
    before = lifetimes_.operation(floats(width), {before});
  }
  if (layer.post_attention_norm) mixed = norm(mixed, width);
  current_ = add(mixed, before);
  if (layer.feed_forward == 0 && layer.expert_feed_forward == 0) return;
  const Tensor normed = norm(current_, width);
  Tensor out = layer.expert_feed_forward > 0 ? experts(layer, normed) : dense(layer.feed_forward, layer.gated, layer.fused_gate, normed);
  if (layer.post_feed_forward_norm) out = norm(out, width);
  current_ = add(out, current_);
}

void StepGraph::end() {
  const Tensor normed = norm(current_, model_.embedding);
  lifetimes_.keep(normed);
  // With a tied output matrix libllama was seen to need one more row of the model's width here.
  const std::uint64_t width = model_.vocabulary + (model_.tied_embeddings ? std::uint64_t{model_.embedding} : 0);
  lifetimes_.keep(matrix(width, normed));
}

}  // namespace pensieve::memory
