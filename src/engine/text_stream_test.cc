#include "engine/text_stream.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace pensieve::engine {
namespace {

std::string push_in_pieces(TextStream& stream, std::string_view text, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += size) {
    const std::string piece = stream.push(text.substr(i, size));
    EXPECT_TRUE(is_valid_utf8(piece));
    out += piece;
  }
  return out + stream.finish();
}

TEST(TextStream, GivesTheSameTextHoweverItIsCut) {
  const std::string text = "a\u00e9\u20ac\U0001F469\u200D\U0001F4BB stop sto sst done";
  for (std::size_t size = 1; size < 8; ++size) {
    TextStream stream({"stopp", "xyz"});
    EXPECT_EQ(push_in_pieces(stream, text, size), text);
    EXPECT_FALSE(stream.stopped_by());
  }
}

TEST(TextStream, NeverSendsAnyPartOfAStopString) {
  for (std::size_t size = 1; size < 8; ++size) {
    TextStream stream({"END", "\n\n"});
    EXPECT_EQ(push_in_pieces(stream, "one EEEND two\n\n", size), "one EE");
    EXPECT_EQ(stream.stopped_by(), "END");
  }
}

TEST(TextStream, StopsAtTheEarliestOfSeveralStopStrings) {
  TextStream stream({"later", "now"});
  EXPECT_EQ(stream.push("a now later"), "a ");
  EXPECT_EQ(stream.stopped_by(), "now");
  EXPECT_EQ(stream.push("more"), "");
  EXPECT_EQ(stream.finish(), "");
}

TEST(TextStream, ReleasesAHeldPartAsSoonAsItCannotMatch) {
  TextStream stream({"###"});
  EXPECT_EQ(stream.push("a##"), "a");
  EXPECT_EQ(stream.push("b"), "##b");
}

TEST(TextStream, HoldsAnUnfinishedCharacterAndReplacesItAtTheEnd) {
  TextStream stream({});
  EXPECT_EQ(stream.push("x\xF0\x9F"), "x");
  EXPECT_EQ(stream.push("\x98\x80"), "\U0001F600");
  EXPECT_EQ(stream.push("\xE2\x82"), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
}

}  // namespace
}  // namespace pensieve::engine
