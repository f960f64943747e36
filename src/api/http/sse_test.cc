#include "api/http/sse.h"

#include <gtest/gtest.h>

namespace pensieve::api {
namespace {

TEST(Sse, FormatsEvents) {
  EXPECT_EQ(sse_data("{}"), "data: {}\n\n");
  EXPECT_EQ(sse_event("ping", "{}"), "event: ping\ndata: {}\n\n");
  EXPECT_EQ(sse_comment("ping"), ": ping\n\n");
}

TEST(Sse, KeepsLineBreaksInsideOneEvent) {
  EXPECT_EQ(sse_data("a\nb\r\nc\rd"), "data: a\ndata: b\ndata: c\ndata: d\n\n");
  EXPECT_EQ(sse_data(""), "data: \n\n");
}

}  // namespace
}  // namespace pensieve::api
