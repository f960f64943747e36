#include "gguf/header.h"

#include <gtest/gtest.h>
#ifdef __linux__
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <format>

#include "gguf/fake_file.h"

namespace pensieve::gguf {
namespace {

Result<Header> read(const std::string& bytes) { return read_header(*open_memory(bytes)); }

std::string error_of(const std::string& bytes) {
  const auto header = read(bytes);
  return header ? "" : header.error().message;
}

TEST(GgufHeader, GivesMetadataAndTensors) {
  const auto header = read(FakeFile().text("general.architecture", "llama").number("llama.block_count", 2).tensor("a", 4, 2).bytes(32));
  ASSERT_TRUE(header) << header.error().text();
  EXPECT_EQ(header->text("general.architecture"), "llama");
  EXPECT_EQ(header->number("llama.block_count"), 2U);
  ASSERT_EQ(header->tensors.size(), 1U);
  EXPECT_EQ(header->tensors[0].bytes, 32U);
}

TEST(GgufHeader, EveryTruncationIsAnErrorAndNoneReadsBeyondTheEnd) {
  const std::string whole = FakeFile().text("k", "value").number("n", 7).tensor("weights", 32, 4, 2).bytes(72);
  ASSERT_TRUE(read(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read(whole.substr(0, size))) << size;
}

TEST(GgufHeader, NamesTheFieldThatCannotBeRight) {
  EXPECT_NE(error_of(FakeFile().tensor("t", 4, 0).bytes(64)).find("tensor t has an impossible dimension"), std::string::npos);
  EXPECT_NE(error_of(FakeFile().tensor("t", std::uint64_t{1} << 40, std::uint64_t{1} << 40).bytes(64)).find("impossible dimension"),
            std::string::npos);
  EXPECT_NE(error_of(FakeFile().tensor("t", 4, 4, 4).bytes(64)).find("unknown type 4"), std::string::npos);
  EXPECT_NE(error_of(FakeFile().tensor("t", 33, 4, 2).bytes(999)).find("whole blocks"), std::string::npos);
  EXPECT_NE(error_of(FakeFile().tensor("t", 4, 4, 0, 3).bytes(999)).find("not aligned"), std::string::npos);
  EXPECT_NE(error_of(FakeFile().tensor("t", 4, 4).bytes(63)).find("cut off: tensor t"), std::string::npos);
  EXPECT_NE(error_of(FakeFile().number("a", 1).number("a", 1).bytes(0)).find("a stands twice"), std::string::npos);
  EXPECT_NE(error_of(FakeFile().number("general.alignment", 3).bytes(0)).find("general.alignment"), std::string::npos);
  FakeFile many;
  many.tensor_count_offset = std::uint64_t{1} << 60;
  EXPECT_NE(error_of(many.bytes(0)).find("tensor count"), std::string::npos);
  FakeFile foreign;
  foreign.magic = "ELF!";
  EXPECT_NE(error_of(foreign.bytes(0)).find("not a GGUF file"), std::string::npos);
  FakeFile swapped;
  swapped.version = 0x03000000;
  EXPECT_NE(error_of(swapped.bytes(0)).find("big-endian"), std::string::npos);
}

TEST(GgufHeader, AHugeArrayClaimIsRefusedWithoutAllocating) {
  const std::string claim =
      FakeFile::raw_text("a") + FakeFile::raw<std::uint32_t>(9) + FakeFile::raw<std::uint32_t>(4) + FakeFile::raw(~std::uint64_t{0});
  EXPECT_NE(error_of(FakeFile().entry(claim).bytes(0)).find("a claims"), std::string::npos);
}

#ifdef __linux__
// Most memory of a child process that reads `bytes` `times` times.
long peak_kilobytes(const std::string& bytes, int times) {
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < times; ++i) _exit(read(bytes) ? 0 : 1);
    _exit(0);
  }
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  return usage.ru_maxrss;
}

TEST(GgufHeader, TheLargestHeaderThatIsReadTakesLessThan64Megabytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers use memory of their own";
#endif
  FakeFile file;
  for (int i = 0; i < 1900; ++i) file.text(std::format("key{}", i), std::string(8000, 'x'));
  for (int i = 0; i < 14'000; ++i) file.number(std::format("n{}", i), 1);
  for (int i = 0; i < 65'536; ++i) file.tensor(std::format("{:0>120}", i), 8, 1);
  const std::string bytes = file.bytes(32);
  ASSERT_EQ(error_of(bytes), "");
  EXPECT_LT(peak_kilobytes(bytes, 1) - peak_kilobytes(bytes, 0), 64'000);
}
#endif

}  // namespace
}  // namespace pensieve::gguf
