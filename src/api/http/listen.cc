#include "api/http/listen.h"

#include <format>

namespace pensieve::api {
namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
namespace {

Result<Tcp::endpoint> resolve(const asio::any_io_executor& executor, const ServerConfig& config) {
  boost::system::error_code error;
  Tcp::resolver resolver(executor);
  const auto found = resolver.resolve(config.host, std::to_string(config.port), Tcp::resolver::passive, error);
  if (error || found.empty()) {
    return fail(ErrorCode::kInvalidArgument, std::format("can't listen on '{}': {}", config.host, error.message()),
                "use an address of this machine, for example 127.0.0.1", "server.host");
  }
  // A name with both kinds of addresses ("localhost") is most often asked for by the older one.
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

std::unexpected<Error> cannot_listen(const Tcp::endpoint& endpoint, const boost::system::error_code& error) {
  const std::string where = std::format("{}:{}", endpoint.address().to_string(), endpoint.port());
  if (error == asio::error::address_in_use) {
    return fail(ErrorCode::kIo, std::format("can't listen on {}: the port is in use", where),
                "stop the program that has it (`pensieve status` tells if it is Pensieve), or choose "
                "another with server.port",
                "server.port");
  }
  return fail(ErrorCode::kIo, std::format("can't listen on {}: {}", where, error.message()),
              error == asio::error::access_denied ? "choose a port above 1023 with server.port" : "check server.host and server.port",
              "server.host");
}

}  // namespace

Result<Tcp::acceptor> listen(const asio::any_io_executor& executor, const ServerConfig& config) {
  const Tcp::endpoint endpoint = TRY(resolve(executor, config));
  if (!endpoint.address().is_loopback() && config.api_key_hashes.empty()) {
    return fail(ErrorCode::kForbidden,
                std::format("listening on {} would let anyone on the network use this server", endpoint.address().to_string()),
                "set an API key (server.api_key_hashes), or listen on 127.0.0.1", "server.host");
  }
  Tcp::acceptor acceptor(executor);
  boost::system::error_code error;
  if (acceptor.open(endpoint.protocol(), error)) return cannot_listen(endpoint, error);
  if (acceptor.set_option(Tcp::acceptor::reuse_address(true), error) || acceptor.bind(endpoint, error) ||
      acceptor.listen(asio::socket_base::max_listen_connections, error)) {
    return cannot_listen(endpoint, error);
  }
  return acceptor;
}

}  // namespace pensieve::api
