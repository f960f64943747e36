#include "gguf/split.h"

#include <gtest/gtest.h>

#include <map>

#include "gguf/fake_file.h"

namespace pensieve::gguf {
namespace {

std::string part(std::uint32_t number, std::uint32_t count, const std::string& tensor) {
  return FakeFile()
      .text("general.architecture", "llama")
      .number("split.count", count)
      .number("split.no", number)
      .tensor(tensor, 8, 1)
      .bytes(32);
}

Result<Header> read(const std::map<std::uint64_t, std::string>& files) {
  return read_parts(*open_memory(files.at(1)), [&](std::uint64_t number, std::uint64_t) -> Result<std::unique_ptr<Source>> {
    const auto found = files.find(number);
    if (found == files.end()) return fail(ErrorCode::kNotFound, "no such file");
    return open_memory(found->second);
  });
}

std::string error_of(const std::map<std::uint64_t, std::string>& files) {
  const auto header = read(files);
  return header ? "" : header.error().message;
}

TEST(SplitFile, AllPartsCountAsOneModel) {
  const auto header = read({{1, part(0, 3, "a")}, {2, part(1, 3, "b")}, {3, part(2, 3, "c")}});
  ASSERT_TRUE(header) << header.error().text();
  EXPECT_EQ(header->tensors.size(), 3U);
  EXPECT_EQ(header->file_bytes, 3 * part(0, 3, "a").size());
}

TEST(SplitFile, APartThatIsAnotherOneIsRefusedWhateverItLeadsTo) {
  // The second part's file is the first again: following it would never end.
  EXPECT_NE(error_of({{1, part(0, 2, "a")}, {2, part(0, 2, "a")}}).find("says that it is part 1 of 2"), std::string::npos);
  EXPECT_NE(error_of({{1, part(0, 2, "a")}, {2, part(1, 3, "b")}}).find("part 2 of 3"), std::string::npos);
  EXPECT_NE(error_of({{1, part(0, 2, "a")}, {2, part(1, 2, "a")}}).find("tensor a stands in two parts"), std::string::npos);
  EXPECT_NE(error_of({{1, part(0, 2, "a")}}).find("part 2 of 2"), std::string::npos);
  EXPECT_NE(error_of({{1, part(1, 2, "a")}}).find("a later part"), std::string::npos);
  EXPECT_NE(error_of({{1, part(0, 4'000'000'000, "a")}}).find("split.count is 4000000000"), std::string::npos);
}

TEST(SplitFile, PartsAreNamedAfterTheFirst) {
  EXPECT_EQ(part_name("m-00001-of-00012.gguf", 11, 12).value(), "m-00011-of-00012.gguf");
  EXPECT_FALSE(part_name("m.gguf", 2, 2));
}

}  // namespace
}  // namespace pensieve::gguf
