// What the HTTP layer adds to each streamed piece of an answer. Goal: under 20 us of CPU a piece.
#include <benchmark/benchmark.h>

#include <boost/asio.hpp>
#include <thread>

#include "api/http/response_sender.h"
#include "api/http/sse.h"
#include "api/stream_pump.h"

namespace pensieve::api {
namespace {

namespace asio = boost::asio;

// A piece as the dialects send it.
const std::string kPiece = sse_event(
    "content_block_delta",
    R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}})");

// Gives an event after a turn of the event loop, as one from a worker's socket comes.
class TurningStream final : public GenerationStream {
 public:
  asio::awaitable<GenerationEvent> next() override {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return Delta{};
  }
  [[nodiscard]] const std::string& model() const override { return model_; }

 private:
  std::string model_ = "fake";
};

// Runs `body` on a begun stream to a client that takes everything.
template <typename Body>
void stream_to_client(Body body) {
  asio::io_context context;
  Tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  Tcp::socket client(context);
  client.connect(acceptor.local_endpoint());
  Tcp::socket served = acceptor.accept();
  served.set_option(Tcp::no_delay(true));
  served.non_blocking(true);
  std::thread reader([&client] {
    std::vector<char> dropped(1 << 20);
    boost::system::error_code ended;
    while (!ended) client.read_some(asio::buffer(dropped), ended);
  });
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        ResponseSender sender(served, {});
        co_await sender.begin_stream(200, {{"Content-Type", std::string(kEventStreamType)}});
        co_await body(sender);
        co_await sender.end_stream();
      },
      asio::detached);
  context.run();
  served.close();
  reader.join();
}

void BM_WriteChunk(benchmark::State& state) {
  stream_to_client([&](ResponseSender& sender) -> asio::awaitable<void> {
    for (auto _ : state) co_await sender.write(kPiece);
  });
}
BENCHMARK(BM_WriteChunk);

void BM_NextEventAndWriteChunk(benchmark::State& state) {
  stream_to_client([&](ResponseSender& sender) -> asio::awaitable<void> {
    TurningStream stream;
    for (auto _ : state) {
      co_await next_with_pings(stream, sender, std::chrono::seconds(10), "ping");
      co_await sender.write(kPiece);
    }
  });
}
BENCHMARK(BM_NextEventAndWriteChunk);

void BM_NextEvent(benchmark::State& state) {
  const std::chrono::milliseconds interval(state.range(0));
  stream_to_client([&](ResponseSender& sender) -> asio::awaitable<void> {
    TurningStream stream;
    for (auto _ : state) {
      benchmark::DoNotOptimize(co_await next_with_pings(stream, sender, interval, "ping"));
    }
  });
}
BENCHMARK(BM_NextEvent)->ArgName("ping_ms")->Arg(0)->Arg(10'000);

}  // namespace
}  // namespace pensieve::api
