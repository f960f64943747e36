#include "base/sha256_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <format>
#include <fstream>

#include "base/sha256.h"

namespace pensieve {
namespace {

TEST(Sha256OfFile, ReadsInPiecesAndGivesTheHashOfTheContent) {
  const auto file = std::filesystem::temp_directory_path() / std::format("pensieve-sha256-{}", getpid());
  const std::string content(3'000'000, 'x');
  std::ofstream(file, std::ios::binary) << content;
  EXPECT_EQ(sha256_of_file(file).value(), sha256_hex(content));
  std::filesystem::remove(file);
  EXPECT_FALSE(sha256_of_file(file));
}

}  // namespace
}  // namespace pensieve
