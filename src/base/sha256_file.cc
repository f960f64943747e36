#include "base/sha256_file.h"

#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>
#include <span>
#include <vector>

#include "base/sha256.h"

namespace pensieve {

Result<std::string> sha256_of_file(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  Sha256 digest;
  std::vector<char> block(1024 * 1024);
  while (stream) {
    stream.read(block.data(), static_cast<std::streamsize>(block.size()));
    digest.add(std::span(block).first(static_cast<std::size_t>(stream.gcount())));
  }
  if (!stream.eof()) return fail(ErrorCode::kIo, std::format("can't read '{}': {}", file.string(), std::strerror(errno)));
  return digest.hex();
}

}  // namespace pensieve
