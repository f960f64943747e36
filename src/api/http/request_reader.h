// Requests off one connection, each phase within its time.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/streambuf.hpp>
#include <expected>
#include <optional>
#include <string>

#include "api/http/fault.h"
#include "api/http/limits.h"
#include "api/http/request_parser.h"
#include "api/http/socket_io.h"

namespace pensieve::api {

class RequestReader {
 public:
  // `socket` outlives the reader. One call at a time.
  RequestReader(Tcp::socket& socket, const HttpLimits& limits) : socket_(socket), limits_(limits) {}

  // The next request's head. Faults: status 0 if the connection ended or stayed silent, 408 if the
  // head did not come in its time, 400 or 431 if it is not one.
  boost::asio::awaitable<std::expected<RequestHead, Fault>> read_head();

  // Whether the declared length of the body is within its bound; fault 413.
  [[nodiscard]] std::expected<void, Fault> check_declared_body() const { return parser_->check_declared_body(); }
  // True if no byte of the body has come yet.
  [[nodiscard]] bool body_is_awaited() const { return input_->size() == 0; }
  // The body of the request whose head was read. Faults: 400, 408, 413.
  boost::asio::awaitable<std::expected<std::string, Fault>> read_body();

  // Takes in what a client sends ahead while its request is answered, up to a bound; completes when
  // the client has closed the connection, or its sending side, which counts as the same: nearly all
  // HTTP clients mean it so, and there is no way to tell. Cancel it to read the next request.
  boost::asio::awaitable<void> wait_until_gone();

  // Target of the request that is being read, as far as it is known.
  [[nodiscard]] std::string target_so_far() const;

 private:
  boost::asio::awaitable<std::optional<Fault>> wait_for_first_byte();
  boost::asio::awaitable<std::optional<Fault>> read_more(std::size_t at_most, std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] std::string_view buffered() const;

  Tcp::socket& socket_;
  const HttpLimits& limits_;
  std::optional<boost::asio::streambuf> input_;  // bytes that no request has consumed yet
  std::optional<RequestParser> parser_;
};

}  // namespace pensieve::api
