#include "api/http/response_head.h"

#include <gtest/gtest.h>

namespace pensieve::api {
namespace {

TEST(ResponseHead, HasStatusHeadersAndAnEmptyLine) { EXPECT_EQ(render_head(404, {{"A", "b"}}), "HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n"); }

TEST(ResponseHead, LetsNoValueAddAHeader) {
  EXPECT_EQ(render_head(200, {{"X-Pensieve-Model", "a\r\nSet-Cookie: x"}}),
            "HTTP/1.1 200 OK\r\nX-Pensieve-Model: a  Set-Cookie: x\r\n\r\n");
}

TEST(ResponseHead, WritesDatesAsHttpHasThem) {
  EXPECT_EQ(http_date(WallTime{std::chrono::seconds(784111777)}), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace pensieve::api
