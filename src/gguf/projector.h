// Projectors (mmproj files): what turns images into vectors that a language model reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "gguf/header.h"

namespace pensieve::gguf {

struct Projector {
  std::string type;               // "mlp", "idefics3", "gemma3", ...
  std::uint64_t file_bytes = 0;   // of its tensors, nearly
  std::uint64_t image_bytes = 0;  // about what the encoder's graph takes while it reads an image
  [[nodiscard]] std::uint64_t bytes() const { return file_bytes + image_bytes; }
};

// True for files that are projectors, whatever they are for.
bool is_projector(const Header& header);

// Errors: as read_header; kInvalidArgument for a file that is no projector or none for images.
Result<Projector> read_projector(const std::filesystem::path& path);

}  // namespace pensieve::gguf
