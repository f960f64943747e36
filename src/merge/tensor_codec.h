// Between a tensor's stored blocks and float32, by ggml's own (de)quantizers.
#pragma once

#include <span>

#include "gguf/tensor_type.h"

namespace pensieve::merge {

// A tensor may be worked on in pieces of whole multiples of this many elements: every block of every
// type fits it, and no quantizer here looks beyond a block.
inline constexpr std::size_t kPieceUnit = 256;

// Whether floats can be made of the type, and the type of floats. Types that need an importance
// matrix, and integers, can't be written.
bool can_decode(const gguf::TensorType& type);
bool can_encode(const gguf::TensorType& type);

std::size_t encoded_bytes(const gguf::TensorType& type, std::size_t elements);

// `elements` of `out` from the blocks that begin at `bytes`. Any thread.
void decode(const gguf::TensorType& type, std::span<const char> bytes, std::span<float> out);

// The reverse; `out` has encoded_bytes(type, values.size()). Any thread.
void encode(const gguf::TensorType& type, std::span<const float> values, std::span<char> out);

// The largest magnitude that the type holds; values beyond it would become infinite.
float largest_value(const gguf::TensorType& type);

}  // namespace pensieve::merge
