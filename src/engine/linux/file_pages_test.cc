#include "engine/file_pages.h"

#include <gtest/gtest.h>

namespace pensieve::engine::detail {
namespace {

TEST(FilePages, OnlyMappingsOfTheModelAreFound) {
  const std::string line = "7f5c00000000-7f5c00002000 r--s 00000000 08:01 42                         /models/a b.gguf";
  EXPECT_EQ(mapping_of(line, "/models/a b.gguf").begin, 0x7f5c00000000U);
  EXPECT_EQ(mapping_of(line, "/models/a b.gguf").end, 0x7f5c00002000U);
  EXPECT_EQ(mapping_of(line, "/models/b.gguf").end, 0U);
  EXPECT_EQ(mapping_of("7f5c00000000-7f5c00002000 rw-p 00000000 00:00 0 ", "/models/b.gguf").end, 0U);
}

TEST(FilePages, AllPartsOfASplitModelAreFound) {
  const std::string first = "/models/x-00001-of-00003.gguf";
  EXPECT_EQ(mapping_of("10-20 r--s 0 08:01 4 /models/x-00002-of-00003.gguf", first).end, 0x20U);
  EXPECT_EQ(mapping_of("10-20 r--s 0 08:01 4 /models/y-00002-of-00003.gguf", first).end, 0U);
}

}  // namespace
}  // namespace pensieve::engine::detail
