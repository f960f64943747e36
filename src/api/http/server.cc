#include "api/http/server.h"

#include <spdlog/spdlog.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>

#include "api/http/connection.h"
#include "api/http/listen.h"

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};  // when the system has no socket to give
constexpr std::size_t kRefusals = 64;                   // clients over the bound that are told so at the same time

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<State> {
  State(const asio::any_io_executor& executor_, ServerConfig config_, std::vector<Route> routes, const Clock& clock, HttpLimits limits)
      : executor(executor_),
        config(std::move(config_)),
        context{limits, {Guard(config), {}, Router(std::move(routes))}, clock},
        acceptor(executor_),
        drained(executor_) {}

  asio::awaitable<void> accept();
  void admit(Tcp::socket socket);
  asio::awaitable<void> serve(std::shared_ptr<Connection> connection, bool refused);
  asio::awaitable<void> wait_until_drained(std::chrono::milliseconds at_most);
  void end_all();

  asio::any_io_executor executor;
  ServerConfig config;
  ServerContext context;
  Tcp::acceptor acceptor;
  std::set<std::shared_ptr<Connection>> connections;
  std::set<std::shared_ptr<Connection>> refusals;
  asio::steady_timer drained;  // cancelled when the last connection ends
};

asio::awaitable<void> HttpServer::State::accept() {
  const auto self = shared_from_this();
  while (acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(asio::as_tuple(asio::use_awaitable));
    if (!error) {
      admit(std::move(socket));
    } else if (acceptor.is_open() && error != asio::error::connection_aborted) {
      spdlog::warn("can't accept a connection: {}", error.message());
      asio::steady_timer pause(executor, kAcceptPause);
      co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }
}

void HttpServer::State::admit(Tcp::socket socket) {
  const bool full = connections.size() >= context.limits.connections;
  if (full && refusals.size() >= kRefusals) return;
  auto connection = std::make_shared<Connection>(std::move(socket), context);
  (full ? refusals : connections).insert(connection);
  asio::co_spawn(executor, serve(std::move(connection), full), asio::detached);
}

asio::awaitable<void> HttpServer::State::serve(std::shared_ptr<Connection> connection, bool refused) {
  const auto self = shared_from_this();
  co_await (refused ? connection->refuse() : connection->run());
  (refused ? refusals : connections).erase(connection);
  if (connections.empty() && refusals.empty()) drained.cancel();
}

asio::awaitable<void> HttpServer::State::wait_until_drained(std::chrono::milliseconds at_most) {
  if (connections.empty() && refusals.empty()) co_return;
  drained.expires_after(at_most);
  co_await drained.async_wait(asio::as_tuple(asio::use_awaitable));
}

void HttpServer::State::end_all() {
  context.stopping = true;
  boost::system::error_code ignored;
  acceptor.close(ignored);
  for (const auto& connection : connections) connection->cut();
  for (const auto& connection : refusals) connection->cut();
}

HttpServer::HttpServer(asio::any_io_executor executor, ServerConfig config, std::vector<Route> routes, const Clock& clock)
    : HttpServer(std::move(executor), config, std::move(routes), clock, http_limits(config)) {}

HttpServer::HttpServer(asio::any_io_executor executor, ServerConfig config, std::vector<Route> routes, const Clock& clock,
                       HttpLimits limits)
    : state_(std::make_shared<State>(executor, std::move(config), std::move(routes), clock, limits)) {}

HttpServer::~HttpServer() { state_->end_all(); }

Result<void> HttpServer::start() {
  state_->context.gate.keys = TRY(ApiKeys::parse(state_->config.api_key_hashes));
  state_->acceptor = TRY(listen(state_->executor, state_->config));
  asio::co_spawn(state_->executor, state_->accept(), asio::detached);
  return {};
}

std::uint16_t HttpServer::port() const {
  boost::system::error_code error;
  return state_->acceptor.local_endpoint(error).port();
}

asio::awaitable<void> HttpServer::stop(std::chrono::milliseconds grace) {
  const auto state = state_;
  state->context.stopping = true;
  boost::system::error_code ignored;
  state->acceptor.close(ignored);
  for (const auto& connection : state->connections) connection->end_when_idle();
  co_await state->wait_until_drained(grace);
  state->end_all();
  co_await state->wait_until_drained(state->context.limits.linger_time);
}

}  // namespace pensieve::api
