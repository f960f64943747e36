#include "client/sse_parser.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

TEST(SseParser, GivesTheSameEventsHoweverTheBytesAreCut) {
  const std::string text = "event: a\ndata: one\n\n: ping\n\ndata: two\r\ndata: three\r\n\r\ndata: unfinished";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    std::string seen;
    SseParser parser([&](std::string_view data) { seen += std::string(data) + "|"; });
    for (std::size_t i = 0; i < text.size(); i += size) parser.push(std::string_view(text).substr(i, size));
    EXPECT_EQ(seen, "one|two\nthree|");
  }
}

}  // namespace
}  // namespace pensieve
