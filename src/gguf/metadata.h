// Bounded access to the metadata of one architecture.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/header.h"

namespace pensieve::gguf {

// Keys are given without the architecture's prefix ("block_count").
class Metadata {
 public:
  Metadata(const Header& header, std::string architecture) : header_(header), prefix_(std::move(architecture) + ".") {}

  // A count or size; `otherwise` if absent. Error kInvalidArgument above kMost.
  [[nodiscard]] Result<std::uint32_t> number(std::string_view key, std::uint32_t otherwise = 0) const;

  // One value for each layer, from a per-layer array or one number; `otherwise` if absent.
  [[nodiscard]] Result<std::vector<std::uint32_t>> per_layer(std::string_view key, std::size_t layers, std::uint32_t otherwise) const;

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] bool has_array(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key, bool otherwise) const;
  [[nodiscard]] double real(std::string_view key, double otherwise) const;

  // No size in a model comes near it; products of four such numbers are formed in 64 bits only
  // after the bounds of the tensors themselves were checked.
  static constexpr std::uint32_t kMost = 1U << 24U;

 private:
  [[nodiscard]] const Value* find(std::string_view key) const;
  const Header& header_;
  std::string prefix_;
};

}  // namespace pensieve::gguf
