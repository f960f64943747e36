// The header of a GGUF file (versions 2 and 3, little-endian): metadata and tensor list, read with
// every length bounded and checked against the file's size before it is used. A header costs at
// most some tens of megabytes of memory, whatever it claims.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "gguf/source.h"
#include "gguf/tensor_type.h"

namespace pensieve::gguf {

// An array's elements are kept only if they are numbers and few (per-layer figures); of others
// (token lists) only the count.
struct Array {
  std::uint64_t count = 0;
  std::vector<double> numbers;
};

using Value = std::variant<std::uint64_t, std::int64_t, double, bool, std::string, Array>;

struct Tensor {
  std::string name;
  std::vector<std::uint64_t> dimensions;  // 1 to 4; the first is contiguous
  TensorType type;
  std::uint64_t offset = 0;  // from the start of the data section
  std::uint64_t bytes = 0;
  std::uint64_t elements = 0;
};

// Where a metadata entry stands in the file: key, type and value, as they may be copied.
struct MetadataSpan {
  std::string key;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct Header {
  std::uint32_t version = 0;
  std::map<std::string, Value, std::less<>> metadata;
  std::vector<MetadataSpan> spans;  // in the file's order
  std::vector<Tensor> tensors;
  std::uint64_t data_offset = 0;
  std::uint64_t file_bytes = 0;

  // A metadata value as text or as a whole number; empty if absent or of another kind.
  [[nodiscard]] std::optional<std::string> text(std::string_view key) const;
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view key) const;
};

// Errors: kInvalidArgument (no GGUF, or a field that can't be right; the message names it), kIo.
// `allow_missing_data`: do not require that the tensors' data lies within the file (part of a
// split file, or a remote one).
Result<Header> read_header(Source& source, bool allow_missing_data = false);

}  // namespace pensieve::gguf
