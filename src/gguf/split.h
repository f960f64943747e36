// A model that lies in several files, read as one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "gguf/header.h"

namespace pensieve::gguf {

// Opens part `part` of `parts`, counted from 1.
using OpenPart = std::function<Result<std::unique_ptr<Source>>(std::uint64_t part, std::uint64_t parts)>;

// "name-00001-of-00003.gguf" -> the name of part `part`. Error kInvalidArgument if `first` does not end so.
Result<std::string> part_name(const std::string& first, std::uint64_t part, std::uint64_t parts);

// The header of `first` with the tensors of all parts and the bytes of all files; of a model in one file,
// its header as it is. Errors: those of read_header and of `open`, kInvalidArgument if `first` is no first
// part or another file is not the part that its place says (a copy of another part, one of another model).
Result<Header> read_parts(Source& first, const OpenPart& open, bool allow_missing_data = false);

}  // namespace pensieve::gguf
