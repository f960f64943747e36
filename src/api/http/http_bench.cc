// What the HTTP layer adds to each streamed piece of an answer. Goal: under 20 us of CPU a piece.
#include <benchmark/benchmark.h>

#include <boost/asio.hpp>
#include <thread>

#include "api/http/response_sender.h"

namespace pensieve::api {
namespace {

namespace asio = boost::asio;

// A piece as the dialects send it.
const std::string kPiece =
    "event: content_block_delta\ndata: "
    R"({"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}})"
    "\n\n";

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
        co_await sender.begin_stream(200, {{"Content-Type", "text/event-stream"}});
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

}  // namespace
}  // namespace pensieve::api
