#include "engine/model_identity.h"

#include <array>
#include <cstdint>
#include <format>
#include <fstream>

#include "base/sha256.h"

namespace pensieve::engine {
namespace {

constexpr std::uint64_t kSamples = 64;
constexpr std::size_t kSampleBytes = 4096;
constexpr std::size_t kNameLength = 32;  // characters; half of the digest is plenty

}  // namespace

Result<std::string> model_identity(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return fail(ErrorCode::kIo, std::format("can't read {}", path.string()));
  const auto size = static_cast<std::uint64_t>(file.tellg());
  Sha256 hash;
  hash.add(std::format("{}:", size));
  std::array<char, kSampleBytes> sample{};
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    file.clear();
    file.seekg(static_cast<std::streamoff>(size / kSamples * i));
    file.read(sample.data(), sample.size());
    hash.add({sample.data(), static_cast<std::size_t>(file.gcount())});
  }
  if (file.bad()) return fail(ErrorCode::kIo, std::format("can't read {}", path.string()));
  return hash.hex().substr(0, kNameLength);
}

}  // namespace pensieve::engine
