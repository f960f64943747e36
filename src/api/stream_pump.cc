#include "api/stream_pump.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

// The two sides of one wait; both run on the same thread.
struct Wait {
  asio::steady_timer timer;
  bool event_is_there = false;
};

asio::awaitable<GenerationEvent> take_event(GenerationStream& stream, Wait& wait) {
  GenerationEvent event = co_await stream.next();
  wait.event_is_there = true;
  wait.timer.cancel();
  co_return event;
}

// Ends by itself once the event is there, so that a ping under way is never cut in the middle. An
// exception ends the other side, too.
asio::awaitable<void> ping_until_event(ResponseWriter& writer, Wait& wait,
                                       std::chrono::milliseconds interval, std::string_view ping) {
  while (!wait.event_is_there) {
    wait.timer.expires_after(interval);
    const auto [error] = co_await wait.timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error || wait.event_is_there) continue;
    if (!co_await writer.write(ping)) {
      throw boost::system::system_error(asio::error::operation_aborted);
    }
  }
}

}  // namespace

asio::awaitable<GenerationEvent> next_with_pings(GenerationStream& stream, ResponseWriter& writer,
                                                 std::chrono::milliseconds interval,
                                                 std::string_view ping) {
  using namespace asio::experimental::awaitable_operators;
  if (interval <= std::chrono::milliseconds(0)) co_return co_await stream.next();
  Wait wait{asio::steady_timer(co_await asio::this_coro::executor)};
  try {
    co_return co_await (take_event(stream, wait) && ping_until_event(writer, wait, interval, ping));
  } catch (const std::exception&) {  // operation_aborted, from one side or from both
    co_return Failed{{ErrorCode::kCancelled, "the client is gone", {}, {}}};
  }
}

}  // namespace pensieve::api
