#include "api/http/request_reader.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/cancel_at.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kHeadPiece = 4 * 1024;
constexpr std::size_t kBodyPiece = 64 * 1024;
constexpr std::size_t kReadAhead = 16 * 1024;

Fault incomplete() { return {400, {ErrorCode::kInvalidArgument, "the connection ended within the request", {}, {}}}; }

Fault too_slow() { return {408, {ErrorCode::kTimeout, "the request did not arrive in time", {}, {}}}; }

}  // namespace

std::string_view RequestReader::buffered() const {
  const asio::const_buffer data = input_->data();
  return {static_cast<const char*>(data.data()), data.size()};
}

asio::awaitable<std::optional<Fault>> RequestReader::wait_for_first_byte() {
  if (input_ && input_->size() > 0) co_return std::nullopt;
  input_.emplace();  // an idle connection holds no buffer of its last request
  const auto [error] =
      co_await socket_.async_wait(Tcp::socket::wait_read, asio::cancel_after(limits_.idle_time, asio::as_tuple(asio::use_awaitable)));
  if (error) co_return silent_close();
  co_return std::nullopt;
}

asio::awaitable<std::optional<Fault>> RequestReader::read_more(std::size_t at_most, std::chrono::steady_clock::time_point deadline) {
  const auto [error, count] =
      co_await socket_.async_read_some(input_->prepare(at_most), asio::cancel_at(deadline, asio::as_tuple(asio::use_awaitable)));
  input_->commit(count);
  if (!error) co_return std::nullopt;
  if (error == asio::error::eof) {
    co_return parser_->head() || input_->size() > 0 || !parser_->target_so_far().empty() ? incomplete() : silent_close();
  }
  if (!socket_.is_open() || error != asio::error::operation_aborted) co_return silent_close();
  co_return too_slow();
}

asio::awaitable<std::expected<RequestHead, Fault>> RequestReader::read_head() {
  parser_.emplace(limits_);
  if (auto fault = co_await wait_for_first_byte()) co_return std::unexpected(std::move(*fault));
  const auto deadline = std::chrono::steady_clock::now() + limits_.head_time;
  while (true) {
    if (buffered().starts_with("\r\n") && parser_->target_so_far().empty()) {
      input_->consume(2);  // an empty line before a request is to be ignored (RFC 9112 section 2.2)
    }
    const auto consumed = parser_->feed_head(buffered());
    if (!consumed) co_return std::unexpected(consumed.error());
    input_->consume(*consumed);
    if (parser_->head()) co_return *parser_->head();
    if (auto fault = co_await read_more(kHeadPiece, deadline)) {
      co_return std::unexpected(std::move(*fault));
    }
  }
}

asio::awaitable<std::expected<std::string, Fault>> RequestReader::read_body() {
  const auto deadline = std::chrono::steady_clock::now() + limits_.body_time;
  while (!parser_->done()) {
    const auto consumed = parser_->feed_body(buffered());
    if (!consumed) co_return std::unexpected(consumed.error());
    input_->consume(*consumed);
    if (parser_->done()) break;
    if (auto fault = co_await read_more(kBodyPiece, deadline)) {
      co_return std::unexpected(std::move(*fault));
    }
  }
  co_return parser_->take_body();
}

asio::awaitable<void> RequestReader::wait_until_gone() {
  while (input_->size() < kReadAhead) {
    const auto [error, count] = co_await socket_.async_read_some(input_->prepare(kHeadPiece), asio::as_tuple(asio::use_awaitable));
    input_->commit(count);
    if (error) co_return;
  }
  // Enough read ahead; only a reset is noticed from here on, and writes that fail.
  co_await socket_.async_wait(Tcp::socket::wait_error, asio::as_tuple(asio::use_awaitable));
}

std::string RequestReader::target_so_far() const { return parser_ ? parser_->target_so_far() : std::string(); }

}  // namespace pensieve::api
