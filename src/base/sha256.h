// SHA-256, as lower-case hexadecimal.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pensieve {

std::string sha256_hex(std::string_view bytes);

// Of a file's content, read in pieces. Error kIo.
Result<std::string> sha256_of_file(const std::filesystem::path& file);

}  // namespace pensieve
