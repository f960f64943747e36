// What the catalog shows of a model file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gguf/header.h"
#include "gguf/model_shape.h"

namespace pensieve::gguf {

struct Summary {
  std::string architecture;
  std::string name;          // general.name; may be empty
  std::string quantization;  // type of most weight bytes, e.g. "Q4_1"
  std::uint64_t parameters = 0;
  std::uint64_t context_length = 0;  // as trained; 0: not said
  std::uint64_t layers = 0;
  std::uint64_t embedding_length = 0;
  std::uint64_t vocabulary_size = 0;
  std::uint64_t kv_bytes_per_token = 0;  // f16, full attention in every layer: an upper bound
  bool has_chat_template = false;
  bool makes_embeddings = false;     // made for embeddings: can't answer
  bool sectioned_positions = false;  // positions of an image's tokens have several dimensions (M-RoPE)
  // Of all parts; null if the layout is one that model_shape does not know.
  std::shared_ptr<const ModelShape> shape;
  // Of what decides memory and speed: the tensors' names, types, sizes and places, and the model's
  // name. A copy or a renamed file has the same; another quantization has not.
  std::string fingerprint;
  std::vector<std::string> parents;          // names of the models that this one was merged of
  std::vector<std::filesystem::path> files;  // all parts of a split file, in order
  std::uint64_t file_bytes = 0;              // of all parts
};

// Reads `path` and, if it is the first part of a split file, checks that the other parts stand
// beside it. Errors as read_header; kInvalidArgument for a later part, an adapter or a projector,
// which are no models; kUnsupported for a model that ranks texts.
Result<Summary> summarize(const std::filesystem::path& path);

}  // namespace pensieve::gguf
