// The HTTP server: one listening socket, many connections, one event loop.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "api/http/exchange.h"
#include "api/http/limits.h"
#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"

namespace pensieve::api {

// All calls on the thread of `executor`, whose event loop has one thread only. Handlers run there
// too, and what they capture must live until `stop` has completed or the event loop has ended.
class HttpServer {
 public:
  HttpServer(boost::asio::any_io_executor executor, ServerConfig config, std::vector<Route> routes, const Clock& clock);
  // With limits other than those of `config`.
  HttpServer(boost::asio::any_io_executor executor, ServerConfig config, std::vector<Route> routes, const Clock& clock, HttpLimits limits);
  // Ends all connections at once.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Listens and serves. Errors: kForbidden for an address other than loopback without an API key,
  // kInvalidArgument for an unknown host or a malformed key hash, kIo for a port in use or not
  // allowed; each with its cure.
  Result<void> start();

  // The port in use; after start. Differs from the configured one where that is 0.
  [[nodiscard]] std::uint16_t port() const;

  // Takes no further connection or request, lets answers under way finish for at most `grace`, then
  // cuts them; completes when no connection is left.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);

 private:
  struct State;  // shared with the coroutines, which may end after the server
  std::shared_ptr<State> state_;
};

}  // namespace pensieve::api
