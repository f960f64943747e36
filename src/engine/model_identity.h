// Tells model files apart by what is in them.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace pensieve::engine {

// Hexadecimal name of a file's content, from its length and samples spread over it: two files with the
// same name are the same model for every practical purpose, and no gigabytes are read to know it. Error
// kIo.
Result<std::string> model_identity(const std::filesystem::path& file);

}  // namespace pensieve::engine
