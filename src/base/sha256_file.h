// SHA-256 of files.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace pensieve {

// Of the file's content, read in pieces, as lower-case hexadecimal. Error kIo.
Result<std::string> sha256_of_file(const std::filesystem::path& file);

}  // namespace pensieve
