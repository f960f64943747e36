#include "engine/drafter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

namespace pensieve::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class DrafterTest : public testing::Test {
 protected:
  std::string guess(std::size_t most) {
    last = drafter.guess(std::vector<Token>(text.begin(), text.end()), most);
    return {last.tokens.begin(), last.tokens.end()};
  }
  // What the stream writes, token by token.
  void write(std::string_view answer, std::size_t most = 8) {
    for (const char c : answer) {
      guess(most);
      text += c;
    }
  }

  std::string text;
  Drafter drafter;
  Drafter::Draft last;
};

TEST_F(DrafterTest, GoesOnAsTheTextDidBefore) {
  text = "int first = 1; int second = 2; int fi";
  EXPECT_EQ(guess(8), "rst = 1;");
  EXPECT_EQ(guess(3), "rst");
}

TEST_F(DrafterTest, GoesOnWithARepetitionBeyondItsFirstRound) {
  text = "abcabc";
  EXPECT_EQ(guess(8), "abcabcab");
  text += ":=====";
  EXPECT_EQ(guess(4), "====");
}

TEST_F(DrafterTest, GuessesNothingWithoutAnEarlierPlaceOrWithoutRoom) {
  text = "abcdef";
  EXPECT_EQ(guess(8), "");
  text = "abcab";
  EXPECT_EQ(guess(0), "");
}

TEST_F(DrafterTest, BecomesSureOfWhatIsCopied) {
  const std::string source = "The quick brown fox jumps over the lazy dog while seven wizards vex my big zebra. ";
  text = source;
  write(source.substr(0, 60));
  EXPECT_EQ(guess(8), source.substr(60, 8));
  EXPECT_GT(last.chances.front(), 0.9);
  EXPECT_GT(last.chances.back(), 0.5);
  EXPECT_TRUE(std::ranges::is_sorted(last.chances, std::greater())) << "a guess comes only with those before it";
}

TEST_F(DrafterTest, BecomesUnsureOfWhatIsNot) {
  for (char c = '!'; c < '~'; ++c) write(std::string{'\n', ' ', c});
  text += "\n ";
  guess(8);
  ASSERT_THAT(last.chances, SizeIs(8));
  EXPECT_LT(last.chances.front(), 0.1);
}

TEST_F(DrafterTest, TellsLongRunsFromShortOnes) {
  const std::string source = "one of the things that are copied word by word, at length";
  text = source;
  for (char c = '!'; c < '~'; ++c) write(std::string{'\n', ' ', c});
  write(source);
  text += ".\n ";
  guess(1);
  EXPECT_LT(last.chances.front(), 0.3);
  text += source.substr(0, 30);
  guess(1);
  EXPECT_GT(last.chances.front(), 0.6);
}

TEST_F(DrafterTest, RecoversFromAPastOfWrongGuesses) {
  for (char c = '!'; c < '~'; ++c) write(std::string{'\n', ' ', c});
  write(std::string(200, '='));
  guess(1);
  EXPECT_GT(last.chances.front(), 0.9);
}

}  // namespace
}  // namespace pensieve::engine
