#include "api/http/socket_io.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/cancel_at.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

void drop_front(WritePieces& pieces, std::size_t count) {
  for (asio::const_buffer& piece : pieces) {
    const std::size_t part = std::min(count, piece.size());
    piece += part;
    count -= part;
  }
}

}  // namespace

asio::awaitable<bool> write_all(Tcp::socket& socket, WritePieces pieces, std::chrono::milliseconds patience) {
  while (asio::buffer_size(pieces) > 0) {
    // Nearly always the socket has room: one system call, no timer and no turn of the event loop.
    boost::system::error_code error;
    const std::size_t written = socket.write_some(pieces, error);
    if (!error) {
      drop_front(pieces, written);
      continue;
    }
    if (error != asio::error::would_block && error != asio::error::try_again) co_return false;
    const auto [waited] =
        co_await socket.async_wait(Tcp::socket::wait_write, asio::cancel_after(patience, asio::as_tuple(asio::use_awaitable)));
    if (waited) co_return false;
  }
  co_return true;
}

asio::awaitable<void> linger(Tcp::socket& socket, std::chrono::milliseconds time) {
  boost::system::error_code error;
  if (socket.shutdown(Tcp::socket::shutdown_send, error)) co_return;
  const auto deadline = std::chrono::steady_clock::now() + time;
  std::array<char, 16 * 1024> dropped;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto [failed, count] =
        co_await socket.async_read_some(asio::buffer(dropped), asio::cancel_at(deadline, asio::as_tuple(asio::use_awaitable)));
    if (failed) co_return;
  }
}

}  // namespace pensieve::api
