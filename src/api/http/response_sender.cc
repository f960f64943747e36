#include "api/http/response_sender.h"

#include <charconv>
#include <iterator>

#include "api/http/response_head.h"

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

std::string ResponseSender::head_of(int status, Headers headers) {
  status_ = status;
  std::ranges::copy(terms_.common, std::back_inserter(headers));
  headers.emplace_back("Connection", terms_.keep_alive ? "keep-alive" : "close");
  return render_head(status, headers);
}

asio::awaitable<bool> ResponseSender::put(WritePieces pieces, State next) {
  const bool written = co_await write_all(socket_, pieces, terms_.write_time);
  state_ = written ? next : State::kBroken;
  co_return written;
}

asio::awaitable<bool> ResponseSender::send(int status, Headers headers, std::string body) {
  if (begun()) co_return false;
  state_ = State::kEnding;
  if (may_have_body(status)) headers.emplace_back("Content-Length", std::to_string(body.size()));
  const std::string head = head_of(status, std::move(headers));
  if (terms_.head_only || !may_have_body(status)) body.clear();
  body_bytes_ = body.size();
  co_return co_await put({asio::buffer(head), asio::buffer(body)}, State::kComplete);
}

asio::awaitable<bool> ResponseSender::begin_stream(int status, Headers headers) {
  if (begun()) co_return false;
  state_ = terms_.head_only ? State::kEnding : State::kStreaming;
  if (terms_.http_1_1) {
    headers.emplace_back("Transfer-Encoding", "chunked");
  } else {
    terms_.keep_alive = false;  // HTTP/1.0 knows the end of a stream by the connection's end
  }
  const std::string head = head_of(status, std::move(headers));
  co_return co_await put({asio::buffer(head)}, terms_.head_only ? State::kComplete : State::kStreaming);
}

asio::awaitable<bool> ResponseSender::write(std::string_view bytes) {
  if (state_ != State::kStreaming) co_return false;
  if (bytes.empty()) co_return true;  // an empty chunk would end the stream
  body_bytes_ += bytes.size();
  if (!terms_.http_1_1) co_return co_await put({asio::buffer(bytes)}, State::kStreaming);
  std::array<char, 20> size_line;
  char* end = std::to_chars(size_line.begin(), size_line.end() - 2, bytes.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  const auto length = static_cast<std::size_t>(end - size_line.data());
  co_return co_await put({asio::buffer(size_line.data(), length), asio::buffer(bytes), asio::buffer("\r\n", 2)}, State::kStreaming);
}

asio::awaitable<bool> ResponseSender::end_stream() {
  if (terms_.head_only && complete()) co_return true;
  if (state_ != State::kStreaming) co_return false;
  state_ = State::kEnding;
  const std::string_view last = terms_.http_1_1 ? "0\r\n\r\n" : "";
  co_return co_await put({asio::buffer(last)}, State::kComplete);
}

}  // namespace pensieve::api
