// Where the bytes of a GGUF file come from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace pensieve::gguf {

// Random access to a file's bytes. Not thread-safe.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  // Fills `out` from `offset`; both lie within size(). Error kIo.
  virtual Result<void> read(std::uint64_t offset, std::span<char> out) = 0;
};

// A local file; several threads may read from it at a time. Errors: kNotFound, kIo.
Result<std::unique_ptr<Source>> open_file(const std::filesystem::path& path);

// Bytes in memory, which must outlive the source.
std::unique_ptr<Source> open_memory(std::span<const char> bytes);

}  // namespace pensieve::gguf
