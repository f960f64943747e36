#include "merge/tensor_codec.h"

#include <ggml.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "merge/vector_kernels.h"

namespace pensieve::merge {
namespace {

ggml_type ggml_type_of(const gguf::TensorType& type) { return static_cast<ggml_type>(type.id); }

// ggml's table may be older than ours.
const ggml_type_traits* traits_of(const gguf::TensorType& type) {
  return type.id < GGML_TYPE_COUNT ? ggml_get_type_traits(ggml_type_of(type)) : nullptr;
}

constexpr std::string_view kEncodable[] = {"F32",  "F16",  "BF16", "Q4_0",   "Q4_1",   "Q5_0",  "Q5_1",  "Q8_0",  "Q2_K", "Q3_K",
                                           "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "IQ3_S", "MXFP4", "TQ1_0", "TQ2_0"};

std::span<const std::uint16_t> words(std::span<const char> bytes) {
  return {reinterpret_cast<const std::uint16_t*>(bytes.data()), bytes.size() / 2};
}
std::span<std::uint16_t> words(std::span<char> bytes) { return {reinterpret_cast<std::uint16_t*>(bytes.data()), bytes.size() / 2}; }

}  // namespace

bool can_decode(const gguf::TensorType& type) {
  const ggml_type_traits* traits = traits_of(type);
  return type.name == "F32" || (traits != nullptr && traits->to_float != nullptr);
}

bool can_encode(const gguf::TensorType& type) {
  return traits_of(type) != nullptr && std::ranges::contains(kEncodable, type.name) && !ggml_quantize_requires_imatrix(ggml_type_of(type));
}

std::size_t encoded_bytes(const gguf::TensorType& type, std::size_t elements) { return elements / type.block_elements * type.block_bytes; }

void decode(const gguf::TensorType& type, std::span<const char> bytes, std::span<float> out) {
  assert(bytes.size() == encoded_bytes(type, out.size()));
  if (type.name == "F32") {
    std::memcpy(out.data(), bytes.data(), bytes.size());
  } else if (type.name == "F16") {
    half_to_float(words(bytes), out);
  } else if (type.name == "BF16") {
    bfloat_to_float(words(bytes), out);
  } else {
    traits_of(type)->to_float(bytes.data(), out.data(), static_cast<std::int64_t>(out.size()));
  }
}

void encode(const gguf::TensorType& type, std::span<const float> values, std::span<char> out) {
  assert(out.size() == encoded_bytes(type, values.size()));
  if (type.name == "F32") {
    std::memcpy(out.data(), values.data(), out.size());
  } else if (type.name == "F16") {
    float_to_half(values, words(out));
  } else if (type.name == "BF16") {
    float_to_bfloat(values, words(out));
  } else {
    ggml_quantize_chunk(ggml_type_of(type), values.data(), out.data(), 0, 1, static_cast<std::int64_t>(values.size()), nullptr);
  }
}

float largest_value(const gguf::TensorType& type) {
  // Blocks keep their scale, which is the largest value over at most a few steps, as a half.
  return type.name == "F32" || type.name == "BF16" ? std::numeric_limits<float>::max() : 65504.0F;
}

}  // namespace pensieve::merge
