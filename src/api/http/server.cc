#include "api/http/server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <format>
#include <utility>

#include "api/http/connection.h"
#include "api/http/guard.h"
#include "base/log.h"

namespace pensieve::api {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// Connections over the bound get one line and are closed.
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 5\r\n"
    "Connection: close\r\nContent-Length: 79\r\n\r\n"
    "{\"error\":{\"type\":\"overloaded_error\",\"message\":\"too many connections are open\"}}";
static_assert(kFull.size() - kFull.find("{") == 79);

}  // namespace

HttpLimits limits_of(const ServerConfig& config) {
  return {.body_bytes = static_cast<std::uint64_t>(config.max_body_bytes),
          .connections = config.max_connections,
          .header_timeout = std::chrono::seconds(config.header_timeout_s),
          .body_timeout = std::chrono::seconds(config.body_timeout_s),
          .idle_timeout = std::chrono::seconds(config.idle_timeout_s),
          .write_timeout = std::chrono::seconds(config.write_timeout_s)};
}

struct HttpServer::State {
  State(asio::any_io_executor executor, std::shared_ptr<ConnectionContext> shared)
      : acceptor(std::move(executor)), context(std::move(shared)) {}
  tcp::acceptor acceptor;
  std::shared_ptr<ConnectionContext> context;

  static asio::awaitable<void> accept(std::shared_ptr<State> self);
};

HttpServer::HttpServer(asio::any_io_executor executor, ServerConfig config, HttpLimits limits, std::vector<Route> routes)
    : state_(std::make_shared<State>(
          std::move(executor),
          std::make_shared<ConnectionContext>(std::move(config), limits, Router(std::move(routes))))) {}

HttpServer::~HttpServer() = default;

Result<void> HttpServer::start() {
  const ServerConfig& config = state_->context->config;
  boost::system::error_code error;
  const std::string host = config.host == "localhost" ? "127.0.0.1" : config.host;
  const auto address = asio::ip::make_address(host, error);
  if (error) {
    return fail(ErrorCode::kInvalidArgument, std::format("server.host = '{}' is not an IP address", config.host),
                "use 127.0.0.1 for this machine only, or 0.0.0.0 with server.api_keys", "server.host");
  }
  if (!address.is_loopback() && config.api_key_hashes.empty()) {
    return fail(ErrorCode::kInvalidArgument, std::format("listening on {} without an API key would open the server to the network", host),
                "set server.api_keys (or PENSIEVE_API_KEY), or listen on 127.0.0.1", "server.host");
  }
  const tcp::endpoint endpoint(address, config.port);
  tcp::acceptor& acceptor = state_->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    const bool in_use = error == asio::error::address_in_use;
    return fail(in_use ? ErrorCode::kUnavailable : ErrorCode::kIo,
                std::format("can't listen on {}:{}: {}", host, config.port, error.message()),
                in_use ? "end the program that uses the port, or choose another with --port" : "choose another server.host or server.port",
                "server.port");
  }
  asio::co_spawn(acceptor.get_executor(), State::accept(state_), asio::detached);
  return {};
}

std::uint16_t HttpServer::port() const { return state_->acceptor.local_endpoint().port(); }

asio::awaitable<void> HttpServer::State::accept(std::shared_ptr<State> self) {
  asio::steady_timer pause(self->acceptor.get_executor());
  for (;;) {
    auto [error, socket] = co_await self->acceptor.async_accept(kTuple);
    if (!self->acceptor.is_open()) co_return;
    if (error) {
      // Out of file descriptors, say: try again when others have been closed.
      spdlog::warn("accepting a connection: {}", error.message());
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(kTuple);
      continue;
    }
    if (std::ssize(self->context->connections) >= self->context->limits.connections) {
      boost::system::error_code ignored;
      socket.non_blocking(true, ignored);
      socket.write_some(asio::buffer(kFull), ignored);
      continue;
    }
    const auto connection = std::make_shared<Connection>(std::move(socket), self->context);
    asio::co_spawn(self->acceptor.get_executor(), connection->run(), asio::detached);
  }
}

asio::awaitable<void> HttpServer::stop(std::chrono::milliseconds grace) {
  const std::shared_ptr<State> state = state_;
  boost::system::error_code ignored;
  state->acceptor.close(ignored);
  state->context->stopping = true;
  const auto close = [&](bool busy_too) {
    std::vector<std::shared_ptr<Connection>> open;
    for (Connection* connection : state->context->connections) {
      if (busy_too || !connection->busy()) open.push_back(connection->shared_from_this());
    }
    for (const auto& connection : open) connection->close();
  };
  close(false);
  asio::steady_timer timer(state->acceptor.get_executor());
  const auto deadline = std::chrono::steady_clock::now() + grace;
  while (!state->context->connections.empty() && std::chrono::steady_clock::now() < deadline) {
    timer.expires_after(std::chrono::milliseconds(20));
    co_await timer.async_wait(kTuple);
  }
  close(true);
}

}  // namespace pensieve::api
