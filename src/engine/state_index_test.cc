#include "engine/state_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace pensieve::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kAnyReach = std::numeric_limits<std::size_t>::max();

std::vector<Token> count(Token from, std::size_t tokens) {
  std::vector<Token> out(tokens);
  std::iota(out.begin(), out.end(), from);
  return out;
}

std::vector<std::size_t> ends(const std::vector<StatePiece>& pieces) {
  std::vector<std::size_t> out;
  for (const StatePiece& piece : pieces) out.push_back(piece.end());
  return out;
}

class StateIndexTest : public testing::Test {
 protected:
  StatePiece add(const StateId& parent, std::size_t begin, const std::vector<Token>& tokens) {
    StatePiece piece = state_piece(parent, begin, tokens);
    index.add(piece);
    return piece;
  }
  StateIndex index;
};

TEST_F(StateIndexTest, FindsNothingInNothing) {
  EXPECT_THAT(index.find({}, count(0, 9), kAnyReach), IsEmpty());
  add({}, 0, count(0, 4));
  EXPECT_THAT(index.find({}, {}, kAnyReach), IsEmpty());
  EXPECT_THAT(index.find({}, count(7, 4), kAnyReach), IsEmpty());
}

TEST_F(StateIndexTest, FollowsAConversationAndItsBranches) {
  const StatePiece first = add({}, 0, count(0, 4));
  add(first.id, 4, count(4, 4));
  add(first.id, 4, {4, 5, 90});
  EXPECT_THAT(ends(index.find({}, count(0, 20), kAnyReach)), ElementsAre(4, 8));
  const std::vector<Token> other = {0, 1, 2, 3, 4, 5, 90, 91};
  EXPECT_THAT(ends(index.find({}, other, kAnyReach)), ElementsAre(4, 7));
}

TEST_F(StateIndexTest, EndsWithAPieceThatGoesOnOtherwise) {
  add({}, 0, {0, 1, 2, 3, 77, 78});
  EXPECT_THAT(ends(index.find({}, count(0, 8), kAnyReach)), ElementsAre(6));
  EXPECT_THAT(index.find({}, count(0, 8), 1), IsEmpty()) << "further back than it can be cut";
  EXPECT_THAT(ends(index.find({}, count(0, 8), 2)), ElementsAre(6));
}

TEST_F(StateIndexTest, TheSameTokensElsewhereAreAnotherPiece) {
  const StatePiece here = state_piece("", 0, count(0, 4));
  EXPECT_NE(here.id, state_piece(here.id, 4, count(0, 4)).id);
  EXPECT_EQ(here.id, state_piece("", 0, count(0, 4)).id);
}

TEST_F(StateIndexTest, KeepsTheConversationsOfEachSetOfAdaptersApart) {
  const StateId fifth = parent_for_adapters({}, 5);
  const StatePiece plain = add({}, 0, count(0, 4));
  const StatePiece adapted = add(fifth, 0, count(0, 4));
  EXPECT_NE(plain.id, adapted.id);
  EXPECT_NE(fifth, parent_for_adapters({}, 6));
  EXPECT_NE(parent_for_adapters(plain.id, 5), parent_for_adapters(adapted.id, 5));
  EXPECT_THAT(index.find(fifth, count(0, 9), kAnyReach), ElementsAre(testing::Field(&StatePiece::id, adapted.id)));
  EXPECT_THAT(index.find({}, count(0, 9), kAnyReach), ElementsAre(testing::Field(&StatePiece::id, plain.id)));
  EXPECT_THAT(index.find(parent_for_adapters({}, 6), count(0, 9), kAnyReach), IsEmpty());
}

TEST_F(StateIndexTest, ForgetsWhatIsRemoved) {
  const StatePiece first = add({}, 0, count(0, 4));
  const StatePiece second = add(first.id, 4, count(4, 4));
  index.remove(second.id);
  index.remove("unknown");
  EXPECT_THAT(ends(index.find({}, count(0, 20), kAnyReach)), ElementsAre(4));
  index.remove(first.id);
  EXPECT_EQ(index.size(), 0U);
}

TEST_F(StateIndexTest, NamesThePiecesThatALongerOneCovers) {
  const StatePiece shorter = add({}, 0, count(0, 4));
  add({}, 0, {0, 1, 9});
  EXPECT_THAT(index.covered_by(state_piece({}, 0, count(0, 6))), ElementsAre(shorter.id));
  EXPECT_THAT(index.covered_by(shorter), IsEmpty());
}

}  // namespace
}  // namespace pensieve::engine
