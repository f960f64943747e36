#include "base/utf8.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

TEST(Utf8, AcceptsCharactersOfEveryLength) {
  EXPECT_TRUE(is_valid_utf8("a\u00e9\u20ac\U0001F600"));
  EXPECT_TRUE(is_valid_utf8(""));
}

TEST(Utf8, RejectsSurrogatesOverlongFormsAndStrayBytes) {
  EXPECT_FALSE(is_valid_utf8("\xED\xA0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xC0\x80"));
  EXPECT_FALSE(is_valid_utf8("\xE0\x80\x80"));
  EXPECT_FALSE(is_valid_utf8("\xF5\x80\x80\x80"));
  EXPECT_FALSE(is_valid_utf8("a\x80"));
  EXPECT_FALSE(is_valid_utf8("\xE2\x82"));
}

TEST(Utf8, CompletePrefixLeavesOutAnUnfinishedCharacterOnly) {
  const std::string emoji = "x\xF0\x9F\x98\x80";
  EXPECT_EQ(complete_utf8_prefix(emoji), 5U);
  EXPECT_EQ(complete_utf8_prefix(std::string_view(emoji).substr(0, 4)), 1U);
  EXPECT_EQ(complete_utf8_prefix(std::string_view(emoji).substr(0, 2)), 1U);
  EXPECT_EQ(complete_utf8_prefix("ab\xFF"), 3U);
  EXPECT_EQ(complete_utf8_prefix("\x80\x80"), 2U);
  EXPECT_EQ(complete_utf8_prefix(""), 0U);
}

TEST(Utf8, ReplacesEachInvalidPartOnce) {
  EXPECT_EQ(replace_invalid_utf8("a\xE2\x82z"), "a\uFFFDz");
  EXPECT_EQ(replace_invalid_utf8("\xFF\xFE"), "\uFFFD\uFFFD");
  EXPECT_EQ(replace_invalid_utf8("plain"), "plain");
}

}  // namespace
}  // namespace pensieve
