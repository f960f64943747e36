#include "api/http/request_parser.h"

#include <gtest/gtest.h>

#include <format>

namespace pensieve::api {
namespace {

struct Parsed {
  int fault = 0;
  RequestHead head;
  std::string body;
  std::size_t left = 0;  // bytes behind the request
  bool done = false;
};

// Feeds `bytes` in pieces of `piece`, as a connection does.
Parsed parse(std::string_view bytes, std::size_t piece = 1 << 20, const HttpLimits& limits = {}) {
  RequestParser parser(limits);
  Parsed result;
  std::string input;
  while (!parser.head() || !parser.done()) {
    const bool at_head = !parser.head();
    const auto consumed = at_head ? parser.feed_head(input) : parser.feed_body(input);
    if (!consumed) {
      result.fault = consumed.error().status;
      return result;
    }
    input.erase(0, *consumed);
    if (at_head && parser.head()) {
      if (auto fits = parser.check_declared_body(); !fits) {
        result.fault = fits.error().status;
        return result;
      }
      continue;
    }
    if (parser.head() && parser.done()) break;
    if (bytes.empty()) return result;
    input += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  result.head = *parser.head();
  result.body = parser.take_body();
  result.left = input.size() + bytes.size();
  result.done = true;
  return result;
}

constexpr std::string_view kPost =
    "POST /v1/messages?beta=true HTTP/1.1\r\nHost: localhost\r\nX-One: a\r\nx-one: b\r\n"
    "Content-Length: 5\r\n\r\nhello";
constexpr std::string_view kChunked =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
    "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nContent-Length: 9\r\n\r\n";

TEST(RequestParser, ReadsARequestInPiecesOfAnySize) {
  for (const std::string_view text : {kPost, kChunked}) {
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      const Parsed parsed = parse(text, piece);
      ASSERT_TRUE(parsed.done) << piece;
      EXPECT_EQ(parsed.head.method, "POST");
      EXPECT_EQ(parsed.body, "hello");
    }
  }
  const Parsed parsed = parse(kPost);
  EXPECT_EQ(parsed.head.target, "/v1/messages?beta=true");
  EXPECT_EQ(parsed.head.header("x-one"), "a, b");
  EXPECT_TRUE(parsed.head.keep_alive);
}

TEST(RequestParser, LeavesTheNextRequestAlone) {
  const Parsed parsed = parse(std::string(kPost) + "GET / HTTP/1.1\r\n");
  EXPECT_EQ(parsed.body, "hello");
  EXPECT_EQ(parsed.left, 16U);
}

TEST(RequestParser, RefusesWhatTwoParsersCouldReadDifferently) {
  const auto with = [](std::string_view headers) { return std::format("POST / HTTP/1.1\r\nHost: a\r\n{}\r\nhello", headers); };
  for (const std::string& text :
       {with("Content-Length: 5\r\nContent-Length: 5\r\n"), with("Content-Length: 5\r\nContent-Length: 6\r\n"),
        with("Content-Length: 5, 5\r\n"), with("Content-Length: -5\r\n"), with("Content-Length: +5\r\n"), with("Content-Length: 0x5\r\n"),
        with("Content-Length: 99999999999999999999\r\n"), with("Content-Length:\r\n"),
        with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        with("Transfer-Encoding: gzip\r\n"), with("Transfer-Encoding: gzip, chunked\r\n"),
        with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), with("Content-Length : 5\r\n"), with("Host: b\r\n"),
        std::string("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost:\r\n\r\n")}) {
    EXPECT_EQ(parse(text).fault, 400) << text;
  }
}

TEST(RequestParser, RefusesWhatIsNotHttp) {
  using namespace std::string_literals;
  for (const std::string& text :
       {"\x16\x03\x01\x02 TLS"s, "GET\r\n\r\n"s, "GET / \r\nHost: a\r\n\r\n"s, "GET / HTTP/1.1\nHost: a\n\n"s,
        "GET / HTTP/1.1\r\nHost: a\n\r\n"s, "GET / HTTP/2.0\r\n\r\n"s, "GET /\0 HTTP/1.1\r\n\r\n"s, "G\0T / HTTP/1.1\r\n\r\n"s,
        "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"s, "GET / HTTP/1.1\r\nHo st: a\r\n\r\n"s, "GET / HTTP/1.1\r\n: a\r\n\r\n"s,
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"s, "GET  / HTTP/1.1\r\n\r\n"s}) {
    EXPECT_EQ(parse(text).fault, 400) << text;
  }
}

TEST(RequestParser, RefusesBrokenChunks) {
  for (const std::string_view chunks :
       {"x\r\nhello\r\n", "-1\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5\nhello\r\n", "FFFFFFFFFFFFFFFFF\r\n", "5;\x01\r\nhello\r\n"}) {
    const int fault = parse(std::format("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                        "chunked\r\n\r\n{}",
                                        chunks))
                          .fault;
    EXPECT_TRUE(fault == 400 || fault == 413) << chunks << fault;
  }
}

TEST(RequestParser, BoundsTheHead) {
  const std::string many(100 * 1024, 'a');
  EXPECT_EQ(parse("GET /" + many).fault, 431);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nX: " + many).fault, 431);
  std::string headers;
  for (int i = 0; i < 200; ++i) headers += std::format("X-{}: 1\r\n", i);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n").fault, 431);
}

TEST(RequestParser, BoundsTheBodyBeforeItComes) {
  HttpLimits limits;
  limits.body_bytes = 10;
  const auto post = [&](std::string_view headers, std::string_view body) {
    return parse(std::format("POST / HTTP/1.1\r\nHost: a\r\n{}\r\n{}", headers, body), 1 << 20, limits);
  };
  EXPECT_EQ(post("Content-Length: 1099511627776\r\n", "").fault, 413);
  EXPECT_EQ(post("Content-Length: 11\r\n", "").fault, 413);
  EXPECT_EQ(post("Content-Length: 10\r\n", "0123456789").body, "0123456789");
  constexpr std::string_view kTe = "Transfer-Encoding: chunked\r\n";
  EXPECT_EQ(post(kTe, "FFFFFFFF\r\n").fault, 413);
  EXPECT_EQ(post(kTe, "6\r\n012345\r\n6\r\n").fault, 413);
  EXPECT_EQ(post(kTe, "6\r\n012345\r\n4\r\n6789\r\n0\r\n\r\n").body, "0123456789");
}

TEST(RequestParser, UnderstandsKeepAliveAndExpectations) {
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").head.keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").head.keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").head.keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n").head.expects_continue);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n").fault, 417);
}

TEST(RequestParser, NeverCrashesOnATornOrFlippedRequest) {
  for (const std::string_view text : {kPost, kChunked}) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      EXPECT_FALSE(parse(text.substr(0, at)).done) << at;
      for (const char flip : {'\0', '\n', '\r', ' ', ':', '\x7F', '\xFF', '9'}) {
        std::string flipped(text);
        flipped[at] = flip;
        const Parsed parsed = parse(flipped, 7);
        EXPECT_TRUE(parsed.fault == 0 || (parsed.fault >= 400 && parsed.fault < 500));
      }
    }
  }
}

}  // namespace
}  // namespace pensieve::api
