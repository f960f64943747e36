#include "merge/output_type.h"

#include <algorithm>
#include <charconv>
#include <format>

#include "merge/tensor_codec.h"

namespace pensieve::merge {
namespace {

constexpr OutputType kTypes[] = {
    {"f32", 0, "F32", "F32"},     {"f16", 1, "F16", "F16"},           {"bf16", 32, "BF16", "BF16"},       {"q8_0", 7, "Q8_0", "Q8_0"},
    {"q6_k", 18, "Q6_K", "Q6_K"}, {"q5_k_m", 17, "Q5_K", "Q6_K"},     {"q5_k_s", 16, "Q5_K", "Q5_K"},     {"q5_0", 8, "Q5_0", "Q5_0"},
    {"q5_1", 9, "Q5_1", "Q5_1"},  {"q4_k_m", 15, "Q4_K", "Q6_K"},     {"q4_k_s", 14, "Q4_K", "Q4_K"},     {"q4_0", 2, "Q4_0", "Q4_0"},
    {"q4_1", 3, "Q4_1", "Q4_1"},  {"iq4_nl", 25, "IQ4_NL", "IQ4_NL"}, {"iq4_xs", 30, "IQ4_XS", "IQ4_XS"},
};

// What takes the place of a type whose blocks do not fit a row.
std::string_view smaller_blocks(std::string_view type) {
  if (type == "Q4_K") return "Q5_0";
  if (type == "Q5_K") return "Q5_1";
  if (type == "Q6_K") return "Q8_0";
  if (type == "IQ4_XS") return "IQ4_NL";
  return "F16";
}

bool is_matrix(const gguf::Tensor& tensor) {
  constexpr std::string_view kKept[] = {"_norm.weight", "ffn_gate_inp", "ssm_conv1d", "shortconv.conv", "time_mix_",
                                        "pos_embd",     "token_types",  "attn_rel_b", "altup",          "laurel"};
  return tensor.dimensions.size() >= 2 && tensor.name.ends_with("weight") &&
         std::ranges::none_of(kKept, [&](std::string_view part) { return tensor.name.contains(part); });
}

// The first and the last eighth of the layers, and every third between.
bool deserves_more(std::string_view name, std::uint64_t layers) {
  constexpr std::string_view kBlock = "blk.";
  std::uint64_t layer = 0;
  if (!name.starts_with(kBlock)) return false;
  std::from_chars(name.data() + kBlock.size(), name.data() + name.size(), layer);
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

bool is_sensitive(const gguf::Tensor& tensor, std::uint64_t layers, bool tied) {
  if (tensor.name == "output.weight" || (tied && tensor.name == "token_embd.weight")) return true;
  return (tensor.name.contains("attn_v.weight") || tensor.name.contains("ffn_down")) && deserves_more(tensor.name, layers);
}

}  // namespace

Result<const OutputType*> find_output_type(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto* found = std::ranges::find(kTypes, lower, &OutputType::name);
  if (found != std::end(kTypes)) return found;
  std::string names;
  for (const OutputType& type : kTypes) names += std::format("{}{}", names.empty() ? "" : ", ", type.name);
  return fail(ErrorCode::kInvalidArgument, std::format("unknown output type '{}'", name), std::format("use one of {}", names));
}

gguf::TensorType stored_type(const OutputType& output, const gguf::Tensor& tensor, std::uint64_t layers, bool tied) {
  if (!can_decode(tensor.type)) return tensor.type;
  if (!is_matrix(tensor)) return *gguf::find_tensor_type(std::string_view("F32"));
  gguf::TensorType type = *gguf::find_tensor_type(is_sensitive(tensor, layers, tied) ? output.better : output.matrices);
  while (tensor.dimensions.front() % type.block_elements != 0) type = *gguf::find_tensor_type(smaller_blocks(type.name));
  return type;
}

}  // namespace pensieve::merge
