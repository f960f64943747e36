#include "store/events.h"

#include <gtest/gtest.h>

namespace pensieve::store {
namespace {

TEST(Events, TheNewestAreKeptInOrder) {
  const auto database = Database::open_in_memory().value();
  Events events(*database);
  EXPECT_TRUE(events.newest(5)->empty());
  for (std::int64_t i = 0; i < Events::kKept + 5; ++i) {
    ASSERT_TRUE(events.add({.at_unix_ms = i, .kind = "level", .details = "{}"}));
  }
  const auto found = events.newest(Events::kKept * 2).value();
  ASSERT_EQ(static_cast<std::int64_t>(found.size()), Events::kKept);
  EXPECT_EQ(found.front().at_unix_ms, Events::kKept + 4);
  EXPECT_EQ(found.back().at_unix_ms, 5);
}

}  // namespace
}  // namespace pensieve::store
