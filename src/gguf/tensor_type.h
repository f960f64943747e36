// ggml's tensor types as they stand in GGUF files: numbers, names, block sizes (gguf specification).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pensieve::gguf {

struct TensorType {
  std::uint32_t id;
  std::string_view name;  // "Q4_K"
  std::uint32_t block_elements;
  std::uint32_t block_bytes;
};

// Empty for numbers that are not in use (or newer than this table).
std::optional<TensorType> find_tensor_type(std::uint32_t id);
std::optional<TensorType> find_tensor_type(std::string_view name);

}  // namespace pensieve::gguf
