// One connection of the HTTP server.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <set>

#include "api/http/router.h"
#include "api/http/server.h"

namespace pensieve::api {

class Connection;

// What all connections share. Lives as long as the last of them.
struct ConnectionContext {
  ServerConfig config;
  HttpLimits limits;
  Router router;
  bool stopping = false;
  std::set<Connection*> connections;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, std::shared_ptr<ConnectionContext> context);
  ~Connection();

  // Serves requests until the connection ends.
  boost::asio::awaitable<void> run();

  // True while a request is being answered.
  [[nodiscard]] bool busy() const;
  void close();

 private:
  struct Stream;
  class Writer;
  struct Incoming;

  boost::asio::awaitable<bool> serve_one();
  boost::asio::awaitable<Result<void>> read_head(Incoming& incoming);
  boost::asio::awaitable<Result<void>> read_body(Incoming& incoming);
  Result<void> check(Incoming& incoming) const;
  boost::asio::awaitable<void> answer(Incoming& incoming, Writer& writer);
  boost::asio::awaitable<void> refuse(Incoming& incoming, Writer& writer, const Error& error);
  boost::asio::awaitable<void> until_client_leaves();
  boost::asio::awaitable<void> drain();

  std::shared_ptr<ConnectionContext> context_;
  std::unique_ptr<Stream> stream_;
  bool busy_ = false;
};

}  // namespace pensieve::api
