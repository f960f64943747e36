// The HTTP server: connections in, routes called.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "api/http/exchange.h"
#include "base/result.h"
#include "config/config.h"

namespace pensieve::api {

// What a client may take of time and memory.
struct HttpLimits {
  std::uint32_t header_bytes = 64 * 1024;
  std::uint64_t body_bytes = 32 * 1024 * 1024;
  int connections = 256;
  std::chrono::milliseconds header_timeout{10'000};  // first byte of the head to its last
  std::chrono::milliseconds body_timeout{60'000};
  std::chrono::milliseconds idle_timeout{75'000};    // before a request's first byte
  std::chrono::milliseconds write_timeout{60'000};   // one write
};
HttpLimits limits_of(const ServerConfig& config);

// HTTP/1.1 and 1.0, keep-alive, on the executor's one thread. A handler is cancelled when its client
// closes the connection, also one that only ends its sending side.
class HttpServer {
 public:
  HttpServer(boost::asio::any_io_executor executor, ServerConfig config, HttpLimits limits, std::vector<Route> routes);
  ~HttpServer();

  // Binds and begins to accept. Errors: kInvalidArgument (no such address, or a non-loopback one
  // without a key), kUnavailable (port in use), kIo.
  Result<void> start();

  // The port listened on, once started.
  [[nodiscard]] std::uint16_t port() const;

  // Accepts no more, lets running answers finish for `grace`, then cuts them.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pensieve::api
