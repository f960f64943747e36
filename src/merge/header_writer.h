// Writes a GGUF header (version 3): metadata, copied or new, and the list of tensors.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/tensor_type.h"

namespace pensieve::merge {

class HeaderWriter {
 public:
  // An entry as it stands in another file (ModelFile::metadata_entry).
  void copy(std::string_view entry);
  void add(std::string_view key, std::string_view text);
  void add(std::string_view key, std::uint32_t number);
  void add(std::string_view key, const std::vector<std::string>& texts);
  void add(std::string_view key, const std::vector<double>& numbers);
  void add_tensor(std::string_view name, const std::vector<std::uint64_t>& dimensions, const gguf::TensorType& type, std::uint64_t offset);

  // The whole header, padded to where the data begins.
  [[nodiscard]] std::string bytes(std::size_t alignment) const;

 private:
  std::uint64_t entries_ = 0;
  std::uint64_t tensors_ = 0;
  std::string metadata_;
  std::string tensor_list_;
};

}  // namespace pensieve::merge
