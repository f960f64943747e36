#include "gguf/model_shape.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <optional>

#include "gguf/metadata.h"
#include "gguf/sliding_window.h"

namespace pensieve::gguf {
namespace {

constexpr std::uint32_t kMostLayers = 4096;

// A layer's tensors by the part of their name after "blk.N.".
using LayerTensors = std::map<std::string_view, const Tensor*, std::less<>>;

struct Sorted {
  std::vector<LayerTensors> layers;
  std::map<std::string_view, const Tensor*, std::less<>> others;
};

std::optional<std::pair<std::uint32_t, std::string_view>> layer_and_rest(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::uint32_t layer = 0;
  const char* const begin = name.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), layer);
  if (error != std::errc{} || end == name.data() + name.size() || *end != '.') return std::nullopt;
  return std::pair{layer, name.substr(static_cast<std::size_t>(end - name.data()) + 1)};
}

Sorted sort_tensors(const Header& header, std::size_t layers) {
  Sorted sorted{std::vector<LayerTensors>(layers), {}};
  for (const Tensor& tensor : header.tensors) {
    const auto place = layer_and_rest(tensor.name);
    if (place && place->first < layers) {
      sorted.layers[place->first].emplace(place->second, &tensor);
    } else {
      sorted.others.emplace(tensor.name, &tensor);
    }
  }
  return sorted;
}

const Tensor* find(const LayerTensors& tensors, std::string_view name) {
  const auto found = tensors.find(name);
  return found == tensors.end() ? nullptr : found->second;
}

// Second dimension: the width that a matrix makes.
std::uint32_t width(const LayerTensors& tensors, std::string_view name) {
  const Tensor* tensor = find(tensors, name);
  if (tensor == nullptr || tensor->dimensions.size() < 2) return 0;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(tensor->dimensions[1], Metadata::kMost));
}

bool is_expert(std::string_view name) { return name.contains("_exps."); }

struct PerLayer {
  std::vector<std::uint32_t> heads, kv_heads, feed_forward;
  std::uint32_t key_length = 0, value_length = 0, key_length_swa = 0, value_length_swa = 0;
};

void set_attention(LayerShape& layer, const LayerTensors& tensors, const PerLayer& sizes, std::size_t index) {
  const bool delta_net = layer.state == StateKind::kDeltaNet;
  layer.fused_qkv = !delta_net && find(tensors, "attn_qkv.weight") != nullptr;
  layer.attention = layer.fused_qkv || find(tensors, "attn_q.weight") != nullptr || find(tensors, "attn_q_b.weight") != nullptr ||
                    find(tensors, "attn_kv_a_mqa.weight") != nullptr;
  if (!layer.attention) return;
  layer.heads = sizes.heads[index];
  layer.kv_heads = sizes.kv_heads[index];
  layer.key_length = layer.sliding && sizes.key_length_swa > 0 ? sizes.key_length_swa : sizes.key_length;
  layer.value_length = layer.sliding && sizes.value_length_swa > 0 ? sizes.value_length_swa : sizes.value_length;
  layer.query_key_norm = find(tensors, "attn_q_norm.weight") != nullptr && find(tensors, "attn_kv_a_mqa.weight") == nullptr;
  layer.query_gate = width(tensors, "attn_q.weight") == 2 * layer.heads * layer.key_length;
}

Result<void> set_latent(LayerShape& layer, const LayerTensors& tensors, const Metadata& metadata) {
  if (!layer.attention || find(tensors, "attn_k_b.weight") == nullptr) return {};
  layer.latent_rank = TRY(metadata.number("attention.kv_lora_rank"));
  layer.latent_rope = TRY(metadata.number("rope.dimension_count"));
  layer.query_rank = find(tensors, "attn_q_b.weight") != nullptr ? TRY(metadata.number("attention.q_lora_rank")) : 0;
  layer.latent_key = TRY(metadata.number("attention.key_length_mla"));
  layer.latent_value = TRY(metadata.number("attention.value_length_mla"));
  return {};
}

StateKind state_kind(const LayerTensors& tensors) {
  const auto has = [&](std::string_view name) { return find(tensors, name) != nullptr; };
  if (has("shortconv.conv.weight")) return StateKind::kShortConvolution;
  if (has("time_mix_w1.weight") || has("time_mix_w2.weight") || has("time_mix_receptance.weight")) return StateKind::kRwkv;
  if (has("ssm_x.weight")) return StateKind::kMamba;
  if (has("ssm_in.weight") && !has("ssm_ba.weight")) return StateKind::kMamba2;
  if (has("ssm_conv1d.weight") || has("ssm_beta.weight")) return StateKind::kDeltaNet;
  return StateKind::kNone;
}

Result<void> set_state(LayerShape& layer, const ModelShape& model, const Metadata& metadata) {
  const std::uint64_t kernel = std::max(model.conv_kernel, 1U);
  switch (layer.state) {
    case StateKind::kNone:
      break;
    case StateKind::kShortConvolution: {
      const std::uint32_t cache = TRY(metadata.number("shortconv.l_cache"));
      layer.conv_elements = std::uint64_t{model.embedding} * (std::max(cache, 1U) - 1);
      break;
    }
    case StateKind::kRwkv:
      layer.conv_elements = std::uint64_t{TRY(metadata.number("token_shift_count", 2))} * model.embedding;
      layer.state_elements = std::uint64_t{model.embedding} * TRY(metadata.number("wkv.head_size"));
      break;
    case StateKind::kMamba:
    case StateKind::kMamba2:
    case StateKind::kDeltaNet:
      layer.conv_elements = (kernel - 1) * (model.inner_size + 2ULL * model.groups * model.state_size);
      layer.state_elements = std::uint64_t{model.state_size} * model.inner_size;
      break;
  }
  return {};
}

void set_feed_forward(LayerShape& layer, const LayerTensors& tensors) {
  const std::uint32_t up = width(tensors, "ffn_up.weight");
  layer.gated = find(tensors, "ffn_gate.weight") != nullptr;
  const Tensor* down = find(tensors, "ffn_down.weight");
  const std::uint64_t into = down != nullptr ? down->dimensions.front() : 0;
  layer.fused_gate = !layer.gated && up > 0 && up == 2 * into;
  layer.feed_forward = layer.fused_gate ? up / 2 : up;
  layer.expert_feed_forward = width(tensors, "ffn_up_exps.weight");
  if (layer.expert_feed_forward == 0) layer.expert_feed_forward = width(tensors, "ffn_gate_up_exps.weight") / 2;
  layer.shared_feed_forward = width(tensors, "ffn_up_shexp.weight");
  layer.post_feed_forward_norm = find(tensors, "post_ffw_norm.weight") != nullptr;
  // Some models name the feed-forward's own norm so; there the name says nothing about attention.
  layer.post_attention_norm = find(tensors, "post_attention_norm.weight") != nullptr && find(tensors, "ffn_norm.weight") != nullptr;
}

void add_bytes(LayerShape& layer, const LayerTensors& tensors, ModelShape& model) {
  for (const auto& [name, tensor] : tensors) {
    const Bytes bytes{static_cast<std::int64_t>(tensor->bytes)};
    (is_expert(name) ? layer.expert_bytes : layer.dense_bytes) += bytes;
    const std::uint64_t share = is_expert(name) && model.experts > 0
                                    ? tensor->elements / model.experts * std::min(model.experts, model.experts_used)
                                    : tensor->elements;
    model.active_parameters += share;
    if (tensor->dimensions.size() < 2) continue;
    model.bytes_by_type[std::string(tensor->type.name)] += bytes;
    if (is_expert(name)) {
      model.expert_bytes_by_type[std::string(tensor->type.name)] += bytes;
    } else if (fits_tiles(*tensor)) {
      model.tile_bytes_by_type[std::string(tensor->type.name)] += bytes;
    }
  }
}

Result<void> set_layers(ModelShape& model, const Metadata& metadata, const Sorted& sorted) {
  const std::size_t count = sorted.layers.size();
  PerLayer sizes;
  sizes.heads = TRY(metadata.per_layer("attention.head_count", count, 0));
  sizes.kv_heads = metadata.has("attention.head_count_kv") ? TRY(metadata.per_layer("attention.head_count_kv", count, 0)) : sizes.heads;
  const std::uint32_t most_heads = std::ranges::max(sizes.heads);
  const std::uint32_t head = most_heads > 0 ? model.embedding / most_heads : 0;
  sizes.key_length = TRY(metadata.number("attention.key_length", head));
  sizes.value_length = TRY(metadata.number("attention.value_length", head));
  sizes.key_length_swa = TRY(metadata.number("attention.key_length_swa"));
  sizes.value_length_swa = TRY(metadata.number("attention.value_length_swa"));
  const std::vector<bool> sliding = TRY(sliding_layers(model.architecture, metadata, count, model.sliding_window));
  const std::size_t first_shared = TRY(first_sharing_layer(model.architecture, metadata, count));
  for (std::size_t i = 0; i < count; ++i) {
    LayerShape& layer = model.layers.emplace_back();
    const LayerTensors& tensors = sorted.layers[i];
    layer.state = state_kind(tensors);
    layer.sliding = sliding[i];
    layer.shares_kv = i >= first_shared;
    set_attention(layer, tensors, sizes, i);
    TRY_VOID(set_latent(layer, tensors, metadata));
    TRY_VOID(set_state(layer, model, metadata));
    set_feed_forward(layer, tensors);
    add_bytes(layer, tensors, model);
  }
  return {};
}

void add_outer_tensors(ModelShape& model, const Sorted& sorted) {
  for (const auto& [name, tensor] : sorted.others) {
    const Bytes bytes{static_cast<std::int64_t>(tensor->bytes)};
    if (name == "token_embd.weight") {
      model.token_table_bytes += bytes;
      model.token_table_type = tensor->type.name;
      model.token_table_fits_tiles = fits_tiles(*tensor);
      model.vocabulary =
          tensor->dimensions.size() > 1 ? static_cast<std::uint32_t>(std::min<std::uint64_t>(tensor->dimensions[1], Metadata::kMost)) : 0;
    } else if (name == "output.weight") {
      model.output_bytes += bytes;
      model.output_type = tensor->type.name;
      if (fits_tiles(*tensor)) model.tile_bytes_by_type[model.output_type] += bytes;
      model.active_parameters += tensor->elements;
    } else {
      model.other_bytes += bytes;
    }
    if (tensor->dimensions.size() >= 2) model.bytes_by_type[std::string(tensor->type.name)] += bytes;
  }
  model.tied_embeddings = !sorted.others.contains("output.weight");
  if (model.tied_embeddings) {
    model.output_bytes = model.token_table_bytes;
    model.output_type = model.token_table_type;
    if (const auto table = sorted.others.find("token_embd.weight"); table != sorted.others.end())
      model.active_parameters += table->second->elements;
  }
}

Result<void> set_sizes(ModelShape& model, const Metadata& metadata) {
  model.embedding = TRY(metadata.number("embedding_length"));
  if (model.embedding == 0) return fail(ErrorCode::kInvalidArgument, model.architecture + ".embedding_length is missing or zero");
  model.context_length = TRY(metadata.number("context_length"));
  model.experts = TRY(metadata.number("expert_count"));
  model.experts_used = TRY(metadata.number("expert_used_count"));
  model.normalises_experts = metadata.flag("expert_weights_norm", model.architecture != "deepseek2" && model.architecture != "gpt-oss");
  model.sliding_window = TRY(metadata.number("attention.sliding_window"));
  model.conv_kernel = TRY(metadata.number("ssm.conv_kernel"));
  model.inner_size = TRY(metadata.number("ssm.inner_size"));
  model.state_size = TRY(metadata.number("ssm.state_size"));
  model.state_heads = TRY(metadata.number("ssm.time_step_rank"));
  model.groups = TRY(metadata.number("ssm.group_count"));
  model.rope_base = metadata.real("rope.freq_base", 0);
  return {};
}

}  // namespace

bool fits_tiles(const Tensor& tensor) {
  constexpr std::uint64_t kTile = 32;
  return tensor.dimensions.size() == 2 && tensor.dimensions[0] % kTile == 0 && tensor.dimensions[1] % kTile == 0;
}

Result<ModelShape> model_shape(const Header& header) {
  ModelShape model{.architecture = header.text("general.architecture").value_or("")};
  if (model.architecture.empty()) return fail(ErrorCode::kInvalidArgument, "general.architecture is missing: not a model");
  if (header.text("general.type").value_or("model") != "model" || model.architecture == "clip") {
    return fail(ErrorCode::kUnsupported, "not a language model of its own (a projector or an adapter)");
  }
  model.name = header.text("general.name").value_or("");
  const Metadata metadata(header, model.architecture);
  TRY_VOID(set_sizes(model, metadata));
  const std::uint32_t layers = TRY(metadata.number("block_count"));
  if (layers == 0 || layers > kMostLayers) {
    return fail(ErrorCode::kInvalidArgument, std::format("{}.block_count is {}", model.architecture, layers), "download the file again");
  }
  if (header.tensors.empty()) return fail(ErrorCode::kInvalidArgument, "it holds no tensors (a vocabulary only?)");
  const Sorted sorted = sort_tensors(header, layers);
  TRY_VOID(set_layers(model, metadata, sorted));
  add_outer_tensors(model, sorted);
  for (const Tensor& tensor : header.tensors) {
    model.parameters += tensor.elements;
    constexpr std::uint64_t kPad = 32;  // of ggml's buffers
    model.tensor_bytes += Bytes{static_cast<std::int64_t>((tensor.bytes + kPad - 1) / kPad * kPad)};
  }
  model.file_bytes = Bytes{static_cast<std::int64_t>(header.file_bytes)};
  model.has_tokenizer = header.metadata.contains("tokenizer.ggml.model");
  model.has_chat_template = header.metadata.contains("tokenizer.chat_template");
  const auto most = std::ranges::max_element(model.bytes_by_type, {}, [](const auto& e) { return e.second; });
  if (most != model.bytes_by_type.end()) model.quantization = most->first;
  return model;
}

}  // namespace pensieve::gguf
