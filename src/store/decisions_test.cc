#include "store/decisions.h"

#include <gtest/gtest.h>

namespace pensieve::store {
namespace {

StoredDecision decision(std::string id, std::string state) {
  return {.id = std::move(id), .at_unix = 7, .model = "m", .task_class = "simple", .details = "{}", .state = std::move(state)};
}

TEST(Decisions, AnOutcomeReplacesWhatWasKnown) {
  const auto database = Database::open_in_memory();
  ASSERT_TRUE(database);
  Decisions decisions(**database);
  ASSERT_TRUE(decisions.put(decision("a", "running")));
  ASSERT_TRUE(decisions.put(decision("b", "running")));
  StoredDecision ended = decision("a", "finished");
  ended.details = "{\"tps\":3}";
  ASSERT_TRUE(decisions.put(ended));
  const auto newest = decisions.newest(10);
  ASSERT_TRUE(newest);
  ASSERT_EQ(newest->size(), 2U);
  EXPECT_EQ((*newest)[0].id, "b");
  EXPECT_EQ((*newest)[1].state, "finished");
  EXPECT_EQ(*decisions.details("a"), "{\"tps\":3}");
  EXPECT_EQ(*decisions.details("none"), "");
  EXPECT_EQ(decisions.newest(1)->size(), 1U);
}

}  // namespace
}  // namespace pensieve::store
