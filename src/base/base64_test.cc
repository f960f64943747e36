#include "base/base64.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

TEST(Base64, GivesBackWhatWasWritten) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes) << i;
    bytes += static_cast<char>(i * 7);
  }
  EXPECT_EQ(decode_base64("aGVs\r\n bG8="), "hello");
}

TEST(Base64, AnythingElseIsNone) {
  for (const char* text : {"a", "aGk", "aG=k", "=aGk", "====", "aGk=aGk=", "a-_b", "a\0bc", "\xff\xff\xff\xff", "aGVsbG8===="}) {
    EXPECT_FALSE(decode_base64(text)) << text;
  }
}

}  // namespace
}  // namespace pensieve
