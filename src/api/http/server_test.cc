// The server by raw bytes on real sockets: what a client sees when all goes well.
#include "api/http/server.h"

#include <gtest/gtest.h>

#include "api/http/api_keys.h"
#include "api/http/fake_client.h"

namespace pensieve::api {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

Route route(std::string method, std::string pattern, Handler handler = echo_handler(), ErrorShape errors = ErrorShape::kPlain,
            bool needs_key = true) {
  return {
      .method = std::move(method), .pattern = std::move(pattern), .errors = errors, .needs_key = needs_key, .handler = std::move(handler)};
}

std::vector<Route> some_routes() {
  return {route("GET", "/health", echo_handler(), ErrorShape::kPlain, false),
          route("POST", "/v1/messages", echo_handler(), ErrorShape::kAnthropic),
          route("POST", "/v1/chat/completions", echo_handler(), ErrorShape::kOpenAi)};
}

// Streams "one", "two" and ends.
Handler two_chunks() {
  return [](const HttpRequest&, ResponseWriter& writer) -> asio::awaitable<void> {
    co_await writer.begin_stream(200, {{"Content-Type", "text/event-stream"}});
    co_await writer.write("one");
    co_await writer.write("two");
    co_await writer.end_stream();
  };
}

TEST(HttpServer, AnswersRequestsOneAfterTheOther) {
  RunningServer server(some_routes());
  FakeClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    client.send(request_text("POST", "/v1/messages?beta=true", "{}"));
    const RawAnswer answer = client.receive();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "POST /v1/messages {}");
    EXPECT_EQ(answer.header("connection"), "keep-alive");
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  RunningServer server(some_routes());
  FakeClient client(server.port());
  client.send(request_text("POST", "/v1/messages", "a") + request_text("POST", "/v1/messages", "b") + request_text("GET", "/health"));
  EXPECT_EQ(client.receive().body, "POST /v1/messages a");
  EXPECT_EQ(client.receive().body, "POST /v1/messages b");
  EXPECT_EQ(client.receive().body, "GET /health ");
}

TEST(HttpServer, TakesARequestByteByByte) {
  RunningServer server(some_routes());
  FakeClient client(server.port());
  for (const char byte : "\r\n" + request_text("POST", "/v1/messages", "hello")) {
    client.send({&byte, 1});
  }
  EXPECT_EQ(client.receive().body, "POST /v1/messages hello");
}

TEST(HttpServer, NamesEachRequest) {
  RunningServer server(some_routes());
  FakeClient client(server.port());
  client.send(request_text("GET", "/health") + request_text("GET", "/nothing"));
  const RawAnswer first = client.receive();
  const RawAnswer second = client.receive();
  EXPECT_TRUE(first.header("request-id").starts_with("req_"));
  EXPECT_EQ(first.header("request-id").size(), 28U);
  EXPECT_EQ(first.header("x-request-id"), first.header("request-id"));
  EXPECT_EQ(second.header("request-id").size(), 28U);
  EXPECT_NE(first.header("request-id"), second.header("request-id"));
  EXPECT_NE(first.header("date"), "");
  EXPECT_EQ(first.header("server"), "pensieve");
}

TEST(HttpServer, AnswersHeadWithTheHeadersOfGet) {
  RunningServer server({route("GET", "/a"), route("GET", "/stream", two_chunks())});
  FakeClient client(server.port());
  client.send(request_text("HEAD", "/a"));
  EXPECT_EQ(client.receive(true).header("content-length"), "8");  // "HEAD /a "
  client.send(request_text("HEAD", "/stream"));
  EXPECT_EQ(client.receive(true).header("transfer-encoding"), "chunked");
  client.send(request_text("GET", "/a"));
  EXPECT_EQ(client.receive().body, "GET /a ");
}

TEST(HttpServer, StreamsInChunks) {
  RunningServer server({route("GET", "/stream", two_chunks())});
  FakeClient client(server.port());
  client.send(request_text("GET", "/stream"));
  const RawAnswer head = client.receive_head();
  EXPECT_EQ(head.header("transfer-encoding"), "chunked");
  EXPECT_EQ(client.receive_chunk(), "one");
  EXPECT_EQ(client.receive_chunk(), "two");
  EXPECT_EQ(client.receive_chunk(), "");
  EXPECT_TRUE(client.last_chunk_seen());
  client.send(request_text("GET", "/stream"));
  EXPECT_EQ(client.receive().body, "onetwo");
}

TEST(HttpServer, SendsEachChunkAtOnce) {
  // The handler writes its second chunk only after the client has the first and says so.
  std::promise<void> first_seen;
  auto seen = first_seen.get_future();
  RunningServer server({route("GET", "/stream", [&](const HttpRequest&, ResponseWriter& writer) -> asio::awaitable<void> {
    co_await writer.begin_stream(200, {});
    co_await writer.write("one");
    seen.wait_for(5s);
    co_await writer.write("two");
    co_await writer.end_stream();
  })});
  FakeClient client(server.port());
  client.send(request_text("GET", "/stream"));
  client.receive_head();
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(client.receive_chunk(), "one");
  EXPECT_LT(std::chrono::steady_clock::now() - before, 4s);
  first_seen.set_value();
  EXPECT_EQ(client.receive_chunk(), "two");
}

TEST(HttpServer, SpeaksHttp10) {
  RunningServer server({route("GET", "/a"), route("GET", "/stream", two_chunks())});
  FakeClient once(server.port());
  once.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(once.receive_to_end()->ends_with("\r\n\r\nGET /a "));
  FakeClient kept(server.port());
  kept.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.receive().header("connection"), "keep-alive");
  kept.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string stream = kept.receive_to_end().value();
  EXPECT_TRUE(stream.ends_with("\r\n\r\nonetwo")) << stream;
  EXPECT_FALSE(stream.contains("chunked"));
}

TEST(HttpServer, ClosesWhenAskedTo) {
  RunningServer server(some_routes());
  FakeClient client(server.port());
  client.send(request_text("GET", "/health", "", "Connection: close\r\n"));
  EXPECT_EQ(client.receive().header("connection"), "close");
  EXPECT_TRUE(client.is_closed_by_peer());
}

TEST(HttpServer, InvitesTheBodyThatIsExpected) {
  RunningServer server(some_routes());
  FakeClient client(server.port());
  client.send(
      "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_TRUE(client.receive_head().head.starts_with("HTTP/1.1 100 Continue\r\n"));
  client.send("ok");
  EXPECT_EQ(client.receive().body, "POST /v1/messages ok");
}

TEST(HttpServer, TellsUnknownPathsInTheShapeOfTheirApi) {
  RunningServer server(some_routes());
  FakeClient client(server.port());
  client.send(request_text("GET", "/v1/files") + request_text("GET", "/v1/messages/batches") +
              request_text("GET", "/v1/files", "", "anthropic-version: 2023-06-01\r\n") + request_text("GET", "/nothing"));
  const RawAnswer openai = client.receive();
  EXPECT_EQ(openai.status, 404);
  EXPECT_TRUE(openai.body.contains(R"("type":"invalid_request_error")")) << openai.body;
  for (int i = 0; i < 2; ++i) {
    const RawAnswer anthropic = client.receive();
    EXPECT_TRUE(anthropic.body.starts_with(R"({"type":"error","error":{"type":"not_found_error")")) << anthropic.body;
    EXPECT_TRUE(anthropic.body.contains(anthropic.header("request-id")));
  }
  EXPECT_TRUE(client.receive().body.starts_with(R"({"error":{"code":"not_found")"));
}

TEST(HttpServer, NamesTheAllowedMethods) {
  RunningServer server(some_routes());
  FakeClient client(server.port());
  client.send(request_text("GET", "/v1/messages"));
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.header("allow"), "OPTIONS, POST");
  EXPECT_TRUE(answer.body.contains(R"({"type":"error")"));
}

TEST(HttpServer, AsksForTheKeyInTheRoutesShape) {
  ServerConfig config;
  config.api_key_hashes = {hash_api_key("secret")};
  RunningServer server(some_routes(), {}, config);
  FakeClient client(server.port());
  client.send(request_text("GET", "/health"));
  EXPECT_EQ(client.receive().status, 200);
  client.send(request_text("POST", "/v1/messages", "{}", "x-api-key: secret\r\n"));
  EXPECT_EQ(client.receive().status, 200);
  client.send(request_text("POST", "/v1/chat/completions", "{}", "authorization: bearer secret\r\n"));
  EXPECT_EQ(client.receive().status, 200);
  client.send(request_text("POST", "/v1/messages", "{}", "x-api-key: wrong\r\n"));
  const RawAnswer refused = client.receive();
  EXPECT_EQ(refused.status, 401);
  EXPECT_NE(refused.header("www-authenticate"), "");
  EXPECT_TRUE(refused.body.contains(R"("type":"authentication_error")"));
  FakeClient other(server.port());
  other.send(request_text("POST", "/v1/chat/completions", "{}"));
  EXPECT_TRUE(other.receive().body.contains(R"("code":"invalid_api_key")"));
}

TEST(HttpServer, KeepsForeignPagesAndNamesOut) {
  RunningServer server(some_routes());
  for (const char* headers : {"Origin: https://evil.example\r\nContent-Type: text/plain\r\n", "Origin: null\r\n"}) {
    FakeClient client(server.port());
    client.send(request_text("POST", "/v1/chat/completions", "{}", headers));
    const RawAnswer answer = client.receive();
    EXPECT_EQ(answer.status, 403) << headers;
    EXPECT_EQ(answer.header("access-control-allow-origin"), "");
    EXPECT_TRUE(answer.body.contains("permission_error"));
  }
  FakeClient client(server.port());
  client.send("GET /health HTTP/1.1\r\nHost: evil.example:8484\r\n\r\n");
  EXPECT_EQ(client.receive().status, 403);
  client.send("GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.receive().status, 403);
}

TEST(HttpServer, LetsLocalPagesReadAnswersAndErrors) {
  ServerConfig config;
  config.api_key_hashes = {hash_api_key("secret")};
  RunningServer server(some_routes(), {}, config);
  FakeClient client(server.port());
  for (const char* path : {"/health", "/nothing", "/v1/messages"}) {
    client.send(request_text(path[1] == 'v' ? "POST" : "GET", path, "", "Origin: http://localhost:3000\r\n"));
    const RawAnswer answer = client.receive();
    EXPECT_EQ(answer.header("access-control-allow-origin"), "http://localhost:3000") << path;
    EXPECT_EQ(answer.header("vary"), "Origin");
  }
}

TEST(HttpServer, AnswersPreflightsWithoutAKey) {
  ServerConfig config;
  config.api_key_hashes = {hash_api_key("secret")};
  RunningServer server(some_routes(), {}, config);
  FakeClient client(server.port());
  client.send(request_text("OPTIONS", "/v1/messages", "",
                           "Origin: http://localhost:3000\r\n"
                           "Access-Control-Request-Method: POST\r\n"
                           "Access-Control-Request-Headers: x-api-key, content-type\r\n"));
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("access-control-allow-methods"), "OPTIONS, POST");
  EXPECT_EQ(answer.header("access-control-allow-headers"), "x-api-key, content-type");
  EXPECT_EQ(answer.header("content-length"), "");
  client.send(request_text("OPTIONS", "/v1/messages", "",
                           "Origin: https://evil.example\r\n"
                           "Access-Control-Request-Method: POST\r\n"));
  EXPECT_EQ(client.receive().status, 403);
}

}  // namespace
}  // namespace pensieve::api
