#include "engine/ngram_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string_view>

namespace pensieve::engine {
namespace {

using Match = NgramIndex::Match;

// The same, by looking at every place.
std::optional<Match> search(std::span<const Token> text) {
  for (std::size_t level = NgramIndex::kLengths.size(); level-- > 0;) {
    const std::size_t length = NgramIndex::kLengths[level];
    if (text.size() < length) continue;
    std::optional<Match> best;
    std::size_t candidates = 0;
    for (std::size_t end = text.size() - 1; end >= length && candidates < NgramIndex::kCandidates; --end) {
      std::size_t agreed = 0;
      while (agreed < std::min(end, NgramIndex::kLongest) && text[end - 1 - agreed] == text[text.size() - 1 - agreed]) ++agreed;
      if (agreed < length) continue;
      ++candidates;
      if (!best || agreed > best->agreed) best = Match{end, agreed};
    }
    if (best) return best;
  }
  return std::nullopt;
}

std::vector<Token> tokens_of(std::string_view text) { return {text.begin(), text.end()}; }

TEST(NgramIndex, FindsThePlaceThatAgreesForLongestAndTheLatestOfSeveral) {
  EXPECT_EQ(NgramIndex().find(tokens_of("xabcd, yabce, zcd-abcd")), (Match{5, 4})) << "four tokens, not the nearer two";
  EXPECT_EQ(NgramIndex().find(tokens_of("xabcd; yabcd, zabcd")), (Match{12, 4})) << "the nearer of two";
  EXPECT_EQ(NgramIndex().find(tokens_of("123456; 3456, a23456")), (Match{6, 5})) << "five tokens, not the nearer four";
}

TEST(NgramIndex, FindsNothingInATextThatDoesNotRepeat) {
  EXPECT_EQ(NgramIndex().find({}), std::nullopt);
  EXPECT_EQ(NgramIndex().find(tokens_of("a")), std::nullopt);
  EXPECT_EQ(NgramIndex().find(tokens_of("abcdefgh")), std::nullopt);
  EXPECT_EQ(NgramIndex().find(tokens_of("aba")), std::nullopt) << "one token is no run";
}

TEST(NgramIndex, AgreesWithASearchOfTheWholeTextWhileItGrows) {
  for (const int words : {1, 2, 3, 8, 40, 1000}) {
    std::mt19937 random(static_cast<std::uint32_t>(words));
    std::vector<Token> text;
    NgramIndex index;
    while (text.size() < 700) {
      // New tokens, or a piece of what is there, by ones and in larger steps.
      const std::size_t from = text.empty() ? 0 : random() % text.size();
      const std::size_t count = 1 + random() % 30;
      for (std::size_t i = 0; i < count; ++i) {
        const bool copied = from + i < text.size() && count % 3 != 0;
        text.push_back(copied ? text[from + i] : static_cast<Token>(random() % static_cast<std::uint32_t>(words)) - 3);
        if (count % 2 == 0) {
          ASSERT_EQ(index.find(text), search(text)) << words << " words, " << text.size() << " tokens";
        }
      }
      ASSERT_EQ(index.find(text), search(text)) << words << " words, " << text.size() << " tokens";
    }
  }
}

}  // namespace
}  // namespace pensieve::engine
