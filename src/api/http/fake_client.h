// For tests: a raw client on a loopback socket, with a deadline on each step, and a server on a
// free port in a thread of its own.
#pragma once

#include <sys/socket.h>
#include <sys/time.h>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/asio.hpp>
#include <chrono>
#include <format>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "api/http/exchange.h"
#include "api/http/server.h"

namespace pensieve::api {

// An answer taken apart as far as tests look at it.
struct RawAnswer {
  int status = 0;    // 0: the connection ended before the answer was whole
  std::string head;  // as sent, with the status line
  std::string body;  // of its Content-Length, or chunks put together

  // Value of a header by name in any case; empty if absent.
  [[nodiscard]] std::string header(std::string_view name) const {
    const auto found = boost::algorithm::ifind_first(head, std::format("\r\n{}: ", name));
    if (found.empty()) return {};
    const std::string rest(found.end(), head.end());
    return rest.substr(0, rest.find("\r\n"));
  }
};

// Blocking, but no step takes longer than its patience: then it acts as if the peer had closed.
class FakeClient {
 public:
  explicit FakeClient(std::uint16_t port) : socket_(context_) {
    socket_.connect({boost::asio::ip::address_v4::loopback(), port});
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }

  // True if all bytes went out.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  RawAnswer receive(bool to_head_request = false) {
    RawAnswer answer;
    if (!read_through("\r\n\r\n", answer.head)) return {};
    if (to_head_request) {
    } else if (answer.header("transfer-encoding") == "chunked") {
      std::string chunk;
      while ((chunk = receive_chunk()) != "") answer.body += chunk;
      if (!last_chunk_seen_) return {};
    } else if (const std::string length = answer.header("content-length"); !length.empty()) {
      if (!read_bytes(std::stoul(length), answer.body)) return {};
    }
    answer.status = std::stoi(answer.head.substr(9, 3));
    return answer;
  }

  // The head of a streamed answer; its chunks come by receive_chunk.
  RawAnswer receive_head() { return receive(true); }

  // The next chunk's bytes; empty at the last chunk, and if the connection ended.
  std::string receive_chunk() {
    last_chunk_seen_ = false;
    std::string size_line;
    std::string chunk;
    if (!read_through("\r\n", size_line)) return {};
    const std::size_t size = std::stoul(size_line, nullptr, 16);
    if (!read_bytes(size + 2, chunk)) return {};
    last_chunk_seen_ = size == 0;
    chunk.resize(size);
    return chunk;
  }
  [[nodiscard]] bool last_chunk_seen() const { return last_chunk_seen_; }

  // Everything until the peer ends the connection; empty optional if it does not.
  std::optional<std::string> receive_to_end() {
    while (read_more()) {
    }
    if (timed_out_) return std::nullopt;
    return std::exchange(input_, {});
  }
  bool is_closed_by_peer() { return receive_to_end().has_value(); }

  void close_sending_side() { socket_.shutdown(boost::asio::socket_base::shutdown_send); }
  void close() { socket_.close(); }
  // Closes so that the peer sees a reset.
  void reset() {
    socket_.set_option(boost::asio::socket_base::linger(true, 0));
    socket_.close();
  }

 private:
  bool read_more() {
    char piece[16 * 1024];
    const ssize_t count = ::recv(socket_.native_handle(), piece, sizeof piece, 0);
    timed_out_ = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (count <= 0) return false;
    input_.append(piece, static_cast<std::size_t>(count));
    return true;
  }
  bool read_through(std::string_view mark, std::string& out) {
    std::size_t at = 0;
    while ((at = input_.find(mark)) == std::string::npos) {
      if (!read_more()) return false;
    }
    out = input_.substr(0, at + mark.size());
    input_.erase(0, out.size());
    return true;
  }
  bool read_bytes(std::size_t count, std::string& out) {
    while (input_.size() < count) {
      if (!read_more()) return false;
    }
    out = input_.substr(0, count);
    input_.erase(0, count);
    return true;
  }

  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;
  std::string input_;
  bool last_chunk_seen_ = false;
  bool timed_out_ = false;
};

// "METHOD path HTTP/1.1" with Host, Content-Length for a body, and `headers` ("A: b\r\n").
inline std::string request_text(std::string_view method, std::string_view path, std::string_view body = {}, std::string_view headers = {}) {
  const std::string length = body.empty() ? "" : std::format("Content-Length: {}\r\n", body.size());
  return std::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}{}\r\n{}", method, path, length, headers, body);
}

// A started server. Its event loop runs in a thread until the object ends.
class RunningServer {
 public:
  explicit RunningServer(std::vector<Route> routes, HttpLimits limits = {}, ServerConfig config = {}) {
    config.port = 0;
    server_.emplace(context_.get_executor(), std::move(config), std::move(routes), clock_, limits);
    started_ = server_->start();
    port_ = server_->port();
    thread_ = std::thread([this] {
      const auto work = boost::asio::make_work_guard(context_);
      context_.run();
    });
  }
  ~RunningServer() {
    stop(std::chrono::milliseconds(0)).wait();
    context_.stop();
    thread_.join();
  }

  [[nodiscard]] const Result<void>& started() const { return started_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

  // Starts HttpServer::stop; ready when that has completed.
  std::future<void> stop(std::chrono::milliseconds grace) {
    return boost::asio::co_spawn(context_, server_->stop(grace), boost::asio::use_future);
  }

 private:
  boost::asio::io_context context_;
  SystemClock clock_;
  std::optional<HttpServer> server_;
  Result<void> started_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// Answers 200 with "METHOD path body".
inline Handler echo_handler() {
  return [](const HttpRequest& request, ResponseWriter& writer) -> boost::asio::awaitable<void> {
    co_await writer.send(200, {{"Content-Type", "text/plain"}}, std::format("{} {} {}", request.method, request.path, request.body));
  };
}

}  // namespace pensieve::api
