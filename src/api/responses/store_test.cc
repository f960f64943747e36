#include "api/responses/store.h"

#include <gtest/gtest.h>

namespace pensieve::api::responses {
namespace {

StoredResponse response(const std::string& id, std::size_t bytes = 10) {
  return {
      .id = id, .body = std::string(bytes, 'x'), .input = {{"in_" + id, "{}"}}, .output = {{"out_" + id, "{\"o\":1}"}}, .conversation = {}};
}

TEST(ResponseStore, ForgetsWhatWasNotUsedForLongest) {
  ResponseStore store(2);
  store.put(response("a"));
  store.put(response("b"));
  EXPECT_NE(store.find("a"), nullptr);
  store.put(response("c"));
  EXPECT_EQ(store.find("b"), nullptr);
  EXPECT_EQ(store.item("out_b"), nullptr);
  EXPECT_NE(store.find("a"), nullptr);
  ASSERT_NE(store.item("out_a"), nullptr);
  EXPECT_EQ(*store.item("out_a"), "{\"o\":1}");
}

TEST(ResponseStore, IsBoundedInBytes) {
  ResponseStore store(100, 10'000);
  store.put(response("a", 6'000));
  store.put(response("b", 6'000));
  EXPECT_EQ(store.find("a"), nullptr);
  EXPECT_NE(store.find("b"), nullptr);
  store.put(response("huge", 20'000));
  EXPECT_EQ(store.find("huge"), nullptr);
}

TEST(ResponseStore, OneOfTheSameIdReplacesTheOther) {
  ResponseStore store;
  store.put(response("a", 1));
  store.put(response("a", 2));
  EXPECT_EQ(store.find("a")->body.size(), 2U);
  EXPECT_TRUE(store.remove("a"));
  EXPECT_FALSE(store.remove("a"));
  EXPECT_EQ(store.item("in_a"), nullptr);
}

}  // namespace
}  // namespace pensieve::api::responses
