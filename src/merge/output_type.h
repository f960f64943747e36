// Which type each tensor of a model gets when the whole is written as, say, Q4_K_M.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/header.h"

namespace pensieve::merge {

// A quantization as it is named for whole models.
struct OutputType {
  std::string_view name;      // "q4_k_m"
  std::uint32_t file_type;    // general.file_type (llama.cpp's numbers)
  std::string_view matrices;  // the type of most matrices
  std::string_view better;    // of the tensors that suffer most: half of attn_v and ffn_down, and the output
};

// Error kInvalidArgument lists the names.
Result<const OutputType*> find_output_type(std::string_view name);

// How the tensor is stored. One-dimensional tensors, norms and routers stay F32 (or keep their type if
// it is whole numbers); a row that is no whole number of blocks takes the next type that it fits.
// `layers`: of the model; `tied`: the token table is the output matrix too.
gguf::TensorType stored_type(const OutputType& output, const gguf::Tensor& tensor, std::uint64_t layers, bool tied);

}  // namespace pensieve::merge
