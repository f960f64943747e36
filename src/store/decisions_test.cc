#include "store/decisions.h"

#include <gtest/gtest.h>

#include <memory>

namespace pensieve::store {
namespace {

class StoredDecisions : public testing::Test {
 protected:
  static StoredDecision decision(std::string id, std::string state) {
    return {.row = {.id = std::move(id), .at_unix = 7, .model = "m", .task_class = "simple", .state = std::move(state)},
            .details = R"({"outcome":{"state":"running","tps":3}})"};
  }
  std::unique_ptr<Database> database = Database::open_in_memory().value();
  Decisions decisions{*database};
};

TEST_F(StoredDecisions, AnOutcomeReplacesWhatWasKnown) {
  ASSERT_TRUE(decisions.put(decision("a", "running")));
  ASSERT_TRUE(decisions.put(decision("b", "running")));
  StoredDecision ended = decision("a", "finished");
  ended.details = "{\"tps\":3}";
  ended.row.answered = "other";
  ended.row.expected_tps = 2;
  ended.row.tps = 3;
  ended.row.ttft_ms = 120;
  ended.row.regenerations = 1;
  ended.row.cascade = "kept";
  ASSERT_TRUE(decisions.put(ended));
  const auto newest = decisions.newest(10);
  ASSERT_TRUE(newest) << newest.error().text();
  ASSERT_EQ(newest->size(), 2U);
  EXPECT_EQ((*newest)[0].id, "b");
  const DecisionRow& row = (*newest)[1];
  EXPECT_EQ(row.state, "finished");
  EXPECT_EQ(row.answered, "other");
  EXPECT_EQ(row.cascade, "kept");
  EXPECT_EQ(row.ttft_ms, 120);
  EXPECT_EQ(row.regenerations, 1);
  EXPECT_DOUBLE_EQ(row.expected_tps, 2);
  EXPECT_DOUBLE_EQ(row.tps, 3);
  EXPECT_EQ(*decisions.details("a"), "{\"tps\":3}");
  EXPECT_EQ(*decisions.details("none"), "");
  EXPECT_EQ(decisions.newest(1)->size(), 1U);
}

TEST_F(StoredDecisions, ArePagedFromTheNewestOn) {
  for (const char* id : {"a", "b", "c"}) {
    StoredDecision kept = decision(id, "finished");
    kept.details = id;
    ASSERT_TRUE(decisions.put(kept));
  }
  EXPECT_EQ(*decisions.page(2, ""), (std::vector<std::string>{"c", "b"}));
  EXPECT_EQ(*decisions.page(2, "b"), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(decisions.page(2, "a")->empty());
  EXPECT_TRUE(decisions.page(2, "unknown")->empty());
}

TEST_F(StoredDecisions, WhatRanWhenTheServerEndedWasInterrupted) {
  ASSERT_TRUE(decisions.put(decision("a", "running")));
  ASSERT_TRUE(decisions.put(decision("b", "finished")));
  ASSERT_TRUE(decisions.interrupt_running());
  EXPECT_EQ((*decisions.newest(10))[0].state, "finished");
  EXPECT_EQ((*decisions.newest(10))[1].state, "interrupted");
  EXPECT_EQ(*decisions.details("a"), R"({"outcome":{"state":"interrupted","tps":3}})");
}

TEST_F(StoredDecisions, OnlyTheNewestStay) {
  // One row numbered far ahead stands for the thousands between.
  ASSERT_TRUE(decisions.put(decision("old", "finished")));
  ASSERT_TRUE(database->transact(
      [](SQLite::Database& connection) { connection.exec("UPDATE sqlite_sequence SET seq=20000 WHERE name='decisions'"); }));
  ASSERT_TRUE(decisions.put(decision("new", "finished")));
  ASSERT_EQ(decisions.newest(10)->size(), 1U);
  EXPECT_EQ(decisions.newest(10)->front().id, "new");
}

}  // namespace
}  // namespace pensieve::store
