// The server by raw bytes on real sockets: hostile, slow and vanishing clients.
#include <gtest/gtest.h>

#include "api/http/api_keys.h"
#include "api/http/fake_client.h"
#include "api/http/server.h"

namespace pensieve::api {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

HttpLimits quick() {
  HttpLimits limits;
  limits.head_time = 150ms;
  limits.body_time = 150ms;
  limits.idle_time = 150ms;
  limits.write_time = 150ms;
  limits.linger_time = 150ms;
  return limits;
}

Route route(std::string method, std::string pattern, Handler handler) {
  return {.method = std::move(method), .pattern = std::move(pattern), .handler = std::move(handler)};
}

// A handler that waits for ever, and what became of it.
struct Waiting {
  std::promise<void> started;
  std::promise<void> destroyed;  // what the handler owns was destroyed

  Handler handler(bool streams) {
    return [this, streams](const HttpRequest&, ResponseWriter& writer) -> asio::awaitable<void> {
      const std::shared_ptr<void> owned(nullptr, [this](void*) { destroyed.set_value(); });
      if (streams) {
        co_await writer.begin_stream(200, {});
        co_await writer.write("one");
      }
      started.set_value();
      asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
      co_await never.async_wait(asio::use_awaitable);
    };
  }
  bool is_destroyed_soon() { return destroyed.get_future().wait_for(5s) == std::future_status::ready; }
};

TEST(HttpServerFaults, RefusesMalformedRequestsAndCloses) {
  RunningServer server({route("POST", "/v1/messages", echo_handler())});
  for (const char* text : {"GARBAGE\r\n\r\n", "POST /v1/messages HTTP/1.1\nHost: localhost\n\n",
                           "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
                           "Content-Length: 1\r\n\r\nx",
                           "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                           "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                           "chunked\r\n\r\nzz\r\n"}) {
    FakeClient client(server.port());
    client.send(text);
    const RawAnswer answer = client.receive();
    EXPECT_EQ(answer.status, 400) << text;
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_TRUE(answer.body.contains("\"error\"")) << answer.body;
    EXPECT_TRUE(client.is_closed_by_peer());
  }
}

TEST(HttpServerFaults, TellsAMalformedRequestInTheShapeOfItsPath) {
  RunningServer server({});
  FakeClient client(server.port());
  client.send("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n");
  EXPECT_TRUE(client.receive().body.starts_with(R"({"type":"error","error":{"type":"invalid_request_error")"));
}

TEST(HttpServerFaults, RefusesADeclaredTebibyteAtOnce) {
  Route messages = route("POST", "/v1/messages", echo_handler());
  messages.errors = ErrorShape::kAnthropic;
  RunningServer server({messages});
  FakeClient client(server.port());
  client.send(
      "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1099511627776\r\n"
      "\r\n");
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 413);
  EXPECT_TRUE(answer.body.contains("request_too_large")) << answer.body;
  EXPECT_EQ(answer.header("connection"), "close");
}

TEST(HttpServerFaults, LetsAClientThatSendsAnOversizedBodySeeTheRefusal) {
  HttpLimits limits;
  limits.body_bytes = 1024 * 1024;
  RunningServer server({route("POST", "/a", echo_handler())}, limits);
  const std::string body(8 * 1024 * 1024, 'x');
  FakeClient declared(server.port());
  EXPECT_TRUE(declared.send(request_text("POST", "/a", body)));  // all of it, before it listens
  EXPECT_EQ(declared.receive().status, 413);
  FakeClient chunked(server.port());
  chunked.send("POST /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 8; ++i) {
    chunked.send("100000\r\n" + body.substr(0, 0x100000) + "\r\n");
  }
  EXPECT_EQ(chunked.receive().status, 413);
}

TEST(HttpServerFaults, TakesABodyOfTheLargestSize) {
  HttpLimits limits;
  limits.body_bytes = 4 * 1024 * 1024;
  RunningServer server({route("POST", "/a", echo_handler())}, limits);
  FakeClient client(server.port());
  client.send(request_text("POST", "/a", std::string(limits.body_bytes, 'x')));
  EXPECT_EQ(client.receive().body.size(), limits.body_bytes + 8);
}

TEST(HttpServerFaults, RefusesOversizedHeads) {
  RunningServer server({});
  FakeClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(70 * 1024, 'a'));
  EXPECT_EQ(client.receive().status, 431);
  EXPECT_TRUE(client.is_closed_by_peer());
}

TEST(HttpServerFaults, ClosesHalfSentHeads) {
  RunningServer server({}, quick());
  FakeClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: loc");
  EXPECT_EQ(client.receive().status, 408);
  EXPECT_TRUE(client.is_closed_by_peer());
}

TEST(HttpServerFaults, ClosesHeadsThatTrickleIn) {
  RunningServer server({}, quick());
  FakeClient client(server.port());
  client.send("GET / HTTP/1.1\r\nX: ");
  // Each byte is progress, yet the whole head has one deadline. Ends when the server closed.
  const auto give_up = std::chrono::steady_clock::now() + 8s;
  asio::io_context context;
  while (client.send("a") && std::chrono::steady_clock::now() < give_up) {
    asio::steady_timer(context, 10ms).wait();
  }
  EXPECT_LT(std::chrono::steady_clock::now(), give_up);
}

TEST(HttpServerFaults, ClosesHalfSentBodies) {
  RunningServer server({route("POST", "/a", echo_handler())}, quick());
  FakeClient client(server.port());
  client.send("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(client.receive().status, 408);
  EXPECT_TRUE(client.is_closed_by_peer());
}

TEST(HttpServerFaults, ClosesIdleConnectionsInSilence) {
  RunningServer server({route("GET", "/a", echo_handler())}, quick());
  FakeClient fresh(server.port());
  EXPECT_EQ(fresh.receive_to_end(), "");
  FakeClient used(server.port());
  used.send(request_text("GET", "/a"));
  EXPECT_EQ(used.receive().status, 200);
  EXPECT_EQ(used.receive_to_end(), "");
}

TEST(HttpServerFaults, GivesUpOnAClientThatTakesNothing) {
  std::promise<bool> all_taken;
  RunningServer server({route("GET", "/flood",
                              [&](const HttpRequest&, ResponseWriter& writer) -> asio::awaitable<void> {
                                const std::string piece(1024 * 1024, 'x');
                                bool taken = co_await writer.begin_stream(200, {});
                                for (int i = 0; i < 64 && taken; ++i) taken = co_await writer.write(piece);
                                all_taken.set_value(taken);
                              })},
                       quick());
  FakeClient client(server.port());
  client.send(request_text("GET", "/flood"));
  auto taken = all_taken.get_future();
  ASSERT_EQ(taken.wait_for(5s), std::future_status::ready);
  EXPECT_FALSE(taken.get());
}

TEST(HttpServerFaults, CancelsTheHandlerWhenTheClientGoesAwayBeforeTheFirstByte) {
  for (const bool by_reset : {false, true}) {
    Waiting waiting;
    RunningServer server({route("POST", "/wait", waiting.handler(false))});
    FakeClient client(server.port());
    client.send(request_text("POST", "/wait", "{}"));
    waiting.started.get_future().wait();
    by_reset ? client.reset() : client.close();
    EXPECT_TRUE(waiting.is_destroyed_soon()) << by_reset;
  }
}

TEST(HttpServerFaults, CancelsTheHandlerWhenTheClientGoesAwayInMidStream) {
  Waiting waiting;
  RunningServer server({route("GET", "/wait", waiting.handler(true))});
  FakeClient client(server.port());
  client.send(request_text("GET", "/wait"));
  client.receive_head();
  EXPECT_EQ(client.receive_chunk(), "one");
  client.close();
  EXPECT_TRUE(waiting.is_destroyed_soon());
}

TEST(HttpServerFaults, DoesNotTakePipelinedBytesForADisconnect) {
  Waiting waiting;
  RunningServer server({route("GET", "/wait", waiting.handler(false)), route("GET", "/a", echo_handler())});
  FakeClient client(server.port());
  client.send(request_text("GET", "/wait"));
  waiting.started.get_future().wait();
  auto destroyed = waiting.destroyed.get_future();
  client.send(request_text("GET", "/a"));
  FakeClient other(server.port());  // answered after the loop has seen the pipelined bytes
  other.send(request_text("GET", "/a"));
  EXPECT_EQ(other.receive().status, 200);
  EXPECT_EQ(destroyed.wait_for(0s), std::future_status::timeout);
  client.close();
  EXPECT_EQ(destroyed.wait_for(5s), std::future_status::ready);
}

TEST(HttpServerFaults, AnswersAClientThatEndsItsSideRightAfterAQuickRequest) {
  RunningServer server({route("GET", "/a", echo_handler())});
  FakeClient client(server.port());
  client.send(request_text("GET", "/a"));
  client.close_sending_side();
  EXPECT_EQ(client.receive().body, "GET /a ");
}

TEST(HttpServerFaults, TellsTheClientWhenAHandlerFails) {
  RunningServer server({route("GET", "/throws",
                              [](const HttpRequest&, ResponseWriter&) -> asio::awaitable<void> {
                                throw std::runtime_error("defect");
                                co_return;
                              }),
                        route("GET", "/silent", [](const HttpRequest&, ResponseWriter&) -> asio::awaitable<void> { co_return; }),
                        route("GET", "/half", [](const HttpRequest&, ResponseWriter& writer) -> asio::awaitable<void> {
                          co_await writer.begin_stream(200, {});
                          co_await writer.write("one");
                        })});
  FakeClient client(server.port());
  client.send(request_text("GET", "/throws"));
  EXPECT_EQ(client.receive().status, 500);
  client.send(request_text("GET", "/silent"));
  EXPECT_EQ(client.receive().status, 500);
  client.send(request_text("GET", "/half"));
  client.receive_head();
  EXPECT_EQ(client.receive_chunk(), "one");
  EXPECT_EQ(client.receive_chunk(), "");
  EXPECT_FALSE(client.last_chunk_seen()) << "a broken stream looks whole";
}

TEST(HttpServerFaults, TellsClientsOverTheBoundThatItIsFull) {
  HttpLimits limits;
  limits.connections = 2;
  RunningServer server({route("GET", "/a", echo_handler())}, limits);
  FakeClient one(server.port());
  one.send(request_text("GET", "/a"));
  EXPECT_EQ(one.receive().status, 200);
  FakeClient two(server.port());
  two.send(request_text("GET", "/a"));
  EXPECT_EQ(two.receive().status, 200);
  FakeClient three(server.port());
  three.send(request_text("GET", "/a"));
  const RawAnswer refused = three.receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.header("retry-after"), "");
  one.send(request_text("GET", "/a", "", "Connection: close\r\n"));
  EXPECT_TRUE(one.is_closed_by_peer());
  one.close();
  RawAnswer answer;  // the place is free once the server has seen the end of `one`
  for (int i = 0; i < 100 && answer.status != 200; ++i) {
    FakeClient four(server.port());
    four.send(request_text("GET", "/a"));
    answer = four.receive();
  }
  EXPECT_EQ(answer.status, 200);
}

TEST(HttpServerStop, LetsAnswersFinishAndTakesNoMore) {
  std::promise<void> started;
  RunningServer server({route("GET", "/slow", [&](const HttpRequest&, ResponseWriter& writer) -> asio::awaitable<void> {
    asio::steady_timer timer(co_await asio::this_coro::executor, 300ms);
    co_await writer.begin_stream(200, {});
    started.set_value();
    co_await timer.async_wait(asio::use_awaitable);
    co_await writer.write("late");
    co_await writer.end_stream();
  })});
  FakeClient idle(server.port());
  FakeClient client(server.port());
  client.send(request_text("GET", "/slow"));
  started.get_future().wait();
  std::future<void> stopped = server.stop(60s);
  EXPECT_EQ(client.receive().body, "late");
  EXPECT_EQ(client.receive_to_end(), "");
  EXPECT_EQ(idle.receive_to_end(), "");
  EXPECT_EQ(stopped.wait_for(2s), std::future_status::ready);
  EXPECT_THROW(FakeClient(server.port()), boost::system::system_error);
}

TEST(HttpServerStop, CutsWhatOutlastsTheGrace) {
  Waiting waiting;
  RunningServer server({route("GET", "/wait", waiting.handler(true))});
  FakeClient client(server.port());
  client.send(request_text("GET", "/wait"));
  waiting.started.get_future().wait();
  std::future<void> stopped = server.stop(50ms);
  EXPECT_TRUE(waiting.is_destroyed_soon());
  EXPECT_EQ(stopped.wait_for(5s), std::future_status::ready);
  EXPECT_TRUE(client.is_closed_by_peer());
}

Result<void> start_with(ServerConfig config) {
  asio::io_context context;
  const SystemClock clock;
  HttpServer server(context.get_executor(), std::move(config), {}, clock);
  return server.start();
}

TEST(HttpServerStart, RefusesAnOpenAddressWithoutAKey) {
  for (const char* host : {"0.0.0.0", "::"}) {
    ServerConfig config;
    config.host = host;
    config.port = 0;
    const Result<void> refused = start_with(config);
    ASSERT_FALSE(refused) << host;
    EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
    EXPECT_TRUE(refused.error().advice.contains("server.api_key_hashes"));
  }
  ServerConfig config;
  config.host = "0.0.0.0";
  config.port = 0;
  config.api_key_hashes = {hash_api_key("secret")};
  EXPECT_TRUE(start_with(config));
}

TEST(HttpServerStart, ExplainsAPortInUse) {
  RunningServer other({});
  ServerConfig config;
  config.port = other.port();
  const Result<void> refused = start_with(config);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kIo);
  EXPECT_TRUE(refused.error().message.contains("in use")) << refused.error().text();
  EXPECT_TRUE(refused.error().advice.contains("server.port"));
}

TEST(HttpServerStart, ExplainsBadSettings) {
  ServerConfig config;
  config.port = 0;
  config.host = "no.such.host.invalid";
  EXPECT_EQ(start_with(config).error().code, ErrorCode::kInvalidArgument);
  config.host = "127.0.0.1";
  config.api_key_hashes = {"secret"};
  EXPECT_EQ(start_with(config).error().code, ErrorCode::kInvalidArgument);
}

TEST(HttpServerStart, ListensOnNamesAndOnIPv6) {
  for (const char* host : {"localhost", "127.0.0.1"}) {
    ServerConfig config;
    config.host = host;
    config.port = 0;
    EXPECT_TRUE(start_with(config)) << host;
  }
}

}  // namespace
}  // namespace pensieve::api
