// One client's connection: requests in, answers out, one after the other.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "api/http/admission.h"
#include "api/http/request_reader.h"
#include "api/http/response_sender.h"
#include "base/clock.h"

namespace pensieve::api {

// What all connections of a server share; outlives them.
struct ServerContext {
  HttpLimits limits;
  Gate gate;
  const Clock& clock;
  bool stopping = false;  // no further request is taken
};

class Connection {
 public:
  // Takes a connected socket. `context` outlives the connection.
  Connection(Tcp::socket socket, const ServerContext& context);

  // Serves the connection to its end; never throws. The connection outlives the call.
  boost::asio::awaitable<void> run();

  // Tells the client that the server is full, and ends.
  boost::asio::awaitable<void> refuse();

  // For a server that stops: ends now if no request is being answered, else after the answer.
  void end_when_idle();
  // Ends now; a handler under way is cancelled.
  void cut();

 private:
  // Both serve one request and tell whether another may follow.
  boost::asio::awaitable<bool> exchange();
  boost::asio::awaitable<bool> handle(Admitted admitted, const RequestHead& head);

  boost::asio::awaitable<void> run_handler(const Route& route, const HttpRequest& request, ResponseWriter& writer);
  boost::asio::awaitable<void> watch_client(const ResponseSender& sender);
  boost::asio::awaitable<bool> answer_and_close(ErrorAnswer answer, AnswerTerms terms);
  [[nodiscard]] AnswerTerms terms_for(const RequestHead& head, std::string_view id) const;

  Tcp::socket socket_;
  const ServerContext& context_;
  RequestReader reader_;
  bool answering_ = false;
};

}  // namespace pensieve::api
