// Opens the listening socket.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "base/result.h"
#include "config/config.h"

namespace pensieve::api {

// Listens where `config` says. Errors as HttpServer::start has them.
Result<boost::asio::ip::tcp::acceptor> listen(const boost::asio::any_io_executor& executor, const ServerConfig& config);

}  // namespace pensieve::api
