#include "memory/speed.h"

#include <algorithm>
#include <map>
#include <string>

#include "gguf/tensor_type.h"
#include "memory/cache_memory.h"

namespace pensieve::memory {
namespace {

// Share of the expert tensors that one token reads.
double expert_share(const gguf::ModelShape& model) {
  return model.experts == 0 ? 1.0 : static_cast<double>(std::min(model.experts, model.experts_used)) / model.experts;
}

Bytes cache_read(const gguf::ModelShape& model, CacheType cache, std::int64_t depth) {
  Bytes bytes;
  for (const gguf::LayerShape& layer : model.layers) {
    const std::int64_t seen = layer.sliding && model.sliding_window > 0 ? std::min<std::int64_t>(depth, model.sliding_window) : depth;
    bytes += cell_bytes(layer, cache) * seen;
    // The state is read and written back.
    bytes += Bytes{static_cast<std::int64_t>((layer.state_elements + layer.conv_elements) * 2 * sizeof(float))};
  }
  return bytes;
}

// Matrix bytes that one token reads, by format.
std::map<std::string, double, std::less<>> active_bytes(const gguf::ModelShape& model) {
  std::map<std::string, double, std::less<>> active;
  for (const auto& [format, bytes] : model.bytes_by_type) active[format] = static_cast<double>(bytes.value);
  for (const auto& [format, bytes] : model.expert_bytes_by_type)
    active[format] -= static_cast<double>(bytes.value) * (1 - expert_share(model));
  if (!model.tied_embeddings) active[model.token_table_type] -= static_cast<double>(model.token_table_bytes.value);
  return active;
}

// Operations of a layer's graph that do something; views cost nothing.
double operations_of(const gguf::LayerShape& layer, const gguf::ModelShape& model) {
  double count = 6;  // two norms of two operations, two additions
  if (layer.attention) {
    count += layer.fused_qkv ? 7 : 9;  // Q, K, V, rope twice, cache twice, attention, output
    if (layer.query_key_norm) count += 4;
    if (layer.query_gate) count += 2;
    if (layer.latent_rank > 0) count += 8;
  }
  constexpr double kStateOperations = 16;  // projections, convolution, scan, gate
  if (layer.state != gguf::StateKind::kNone) count += kStateOperations;
  if (layer.post_attention_norm) count += 2;
  if (layer.post_feed_forward_norm) count += 2;
  if (layer.feed_forward > 0 && layer.expert_feed_forward == 0) count += layer.gated ? 4 : 3;
  if (layer.expert_feed_forward > 0) count += 11 + model.experts_used;  // routing, experts, their weighted sum
  if (layer.shared_feed_forward > 0) count += 5;
  return count;
}

// Multiply-adds of attention for one token at `depth`.
double attention_macs(const gguf::ModelShape& model, std::int64_t depth) {
  double macs = 0;
  for (const gguf::LayerShape& layer : model.layers) {
    if (!layer.attention) continue;
    const std::int64_t seen = layer.sliding && model.sliding_window > 0 ? std::min<std::int64_t>(depth, model.sliding_window) : depth;
    macs += static_cast<double>(layer.heads) * (layer.key_length + layer.value_length) * static_cast<double>(seen);
  }
  return macs;
}

double decode_seconds(const gguf::ModelShape& model, CacheType cache, const MachineProfile& machine, std::int64_t depth) {
  const double reached = machine.bandwidth * machine.efficiency;
  if (machine.decode_bytes.empty()) return static_cast<double>(bytes_per_token(model, cache, depth).value) / reached;
  double seconds = 0;
  for (const gguf::LayerShape& layer : model.layers) seconds += machine.operation_seconds * operations_of(layer, model);
  for (const auto& [format, bytes] : active_bytes(model)) {
    const auto kernel = machine.decode_bytes.find(format);
    seconds += std::max(bytes, 0.0) / (kernel != machine.decode_bytes.end() ? kernel->second : reached);
  }
  const double by_bytes = static_cast<double>(cache_read(model, cache, depth).value) / reached;
  const double by_compute = machine.attention_macs > 0 ? attention_macs(model, depth) / machine.attention_macs : 0;
  return seconds + std::max(by_bytes, by_compute);
}

double prefill_seconds(const gguf::ModelShape& model, const MachineProfile& machine, std::int64_t depth) {
  const double output = static_cast<double>(model.vocabulary) * model.embedding;  // only for the last token
  if (machine.prefill_macs.empty()) {
    const double parameters = std::max(static_cast<double>(model.active_parameters) - output, 1.0);
    return (2 * parameters + 2 * attention_macs(model, depth)) / machine.prefill_flops;
  }
  double slowest = machine.prefill_flops / 2;
  for (const auto& [format, macs] : machine.prefill_macs) slowest = std::min(slowest, macs);
  double seconds = 2 * attention_macs(model, depth) / machine.prefill_flops;
  for (const auto& [format, bytes] : active_bytes(model)) {
    const auto type = gguf::find_tensor_type(std::string_view(format));
    double elements = type ? bytes / type->block_bytes * type->block_elements : bytes;
    if (format == model.output_type) elements -= output;
    const auto kernel = machine.prefill_macs.find(format);
    seconds += std::max(elements, 0.0) / (kernel != machine.prefill_macs.end() ? kernel->second : slowest);
  }
  return seconds;
}

}  // namespace

Bytes bytes_per_token(const gguf::ModelShape& model, CacheType cache, std::int64_t depth) {
  Bytes bytes = model.output_bytes + cache_read(model, cache, depth);
  double expert = 0;
  for (const gguf::LayerShape& layer : model.layers) {
    bytes += layer.dense_bytes;
    expert += static_cast<double>(layer.expert_bytes.value);
  }
  return bytes + Bytes{static_cast<std::int64_t>(expert * expert_share(model))};
}

Speed predict_speed(const gguf::ModelShape& model, CacheType cache, const MachineProfile& machine, std::int64_t depth) {
  if (model.layers.empty() || machine.bandwidth <= 0) return {};
  const Bytes table = model.tied_embeddings ? Bytes{0} : model.token_table_bytes;
  const double weights = static_cast<double>((bytes_per_token(model, cache, 0) + table).value);
  return {.decode = {1 / decode_seconds(model, cache, machine, depth)},
          .prefill = {1 / prefill_seconds(model, machine, depth)},
          .decode_limit = {machine.bandwidth / weights}};
}

TokensPerSecond corrected_speed(TokensPerSecond predicted, TokensPerSecond predicted_there, TokensPerSecond measured_there) {
  if (predicted_there.value <= 0) return measured_there;
  return {predicted.value / predicted_there.value * measured_there.value};
}

std::string_view experience_band(TokensPerSecond decode) {
  if (decode.value < 5) return "unusable";
  if (decode.value < 10) return "frustrating";
  if (decode.value < 15) return "acceptable";
  if (decode.value < 20) return "good";
  return "seamless";
}

}  // namespace pensieve::memory
