// Reading and writing with a bound on time.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>

namespace pensieve::api {

using Tcp = boost::asio::ip::tcp;

// Bytes that leave together in one system call where the socket takes them.
using WritePieces = std::array<boost::asio::const_buffer, 3>;

// Writes all pieces to a non-blocking socket. False if the peer is gone, or takes no byte for
// `patience`.
boost::asio::awaitable<bool> write_all(Tcp::socket& socket, WritePieces pieces, std::chrono::milliseconds patience);

// Ends the sending side and drops what still comes in, until the peer ends too or `time` is over: a
// socket closed with unread bytes is reset, and the peer might never see the answer.
boost::asio::awaitable<void> linger(Tcp::socket& socket, std::chrono::milliseconds time);

}  // namespace pensieve::api
