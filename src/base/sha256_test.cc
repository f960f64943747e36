#include "base/sha256.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <format>
#include <fstream>

namespace pensieve {
namespace {

TEST(Sha256, GivesTheStandardsExample) { EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); }

TEST(Sha256, AFileReadInPiecesHasTheHashOfItsContent) {
  const auto file = std::filesystem::temp_directory_path() / std::format("pensieve-sha256-{}", getpid());
  const std::string content(3'000'000, 'x');
  std::ofstream(file, std::ios::binary) << content;
  EXPECT_EQ(sha256_of_file(file).value(), sha256_hex(content));
  std::filesystem::remove(file);
  EXPECT_FALSE(sha256_of_file(file));
}

}  // namespace
}  // namespace pensieve
