// One HTTP request and its answer, as handlers see them; names nothing of Beast.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pensieve::api {

// A complete request: head and body are within their bounds, Host, Origin and key are checked.
struct HttpRequest {
  std::string method;                          // "GET"
  std::string path;                            // decoded, without the query: "/v1/models/foo"
  std::map<std::string, std::string> query;    // decoded; the last of equal names
  std::map<std::string, std::string> headers;  // names in lower case; equal names joined by ", "
  std::string body;
  std::string id;                            // "req_..."; goes out as `request-id` and into logs
  std::vector<std::string> path_parameters;  // what the route's `{...}` segments matched, in order

  // Value of a header by its lower-case name; empty if absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

// The answer to one request: either one `send`, or `begin_stream`, any number of `write`s, and
// `end_stream`. A false result means that the client is gone: stop working for it.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;

  virtual boost::asio::awaitable<bool> send(int status, Headers headers, std::string body) = 0;

  // Chunked (HTTP/1.1) answer; Content-Type and Cache-Control come from `headers`.
  virtual boost::asio::awaitable<bool> begin_stream(int status, Headers headers) = 0;
  // Sends the bytes as one chunk at once.
  virtual boost::asio::awaitable<bool> write(std::string_view bytes) = 0;
  virtual boost::asio::awaitable<bool> end_stream() = 0;
};

// Answers one request. Must not throw. When the client goes away while a handler waits for its next
// event, the handler's coroutine is cancelled (asio cancellation, all types): what it owns is
// destroyed. A client that ends its sending side counts as gone unless the answer is on its way.
using Handler = std::function<boost::asio::awaitable<void>(const HttpRequest&, ResponseWriter&)>;

// Whose error shape a route answers in, also for errors found before its handler runs.
enum class ErrorShape { kOpenAi, kAnthropic, kOllama, kPlain };

// An error's status, headers (Retry-After) and JSON body in the shape of one API.
struct ErrorAnswer {
  int status = 500;
  Headers headers;
  std::string body;
};
ErrorAnswer render_error(ErrorShape shape, const Error& error, std::string_view request_id);

struct Route {
  std::string method;
  std::string pattern;  // "/v1/models/{id}"; a segment `{id}` matches one segment, `{id*}` one or more
  ErrorShape errors = ErrorShape::kPlain;
  bool needs_key = true;  // false: answered without an API key (/health)
  Handler handler;
};

}  // namespace pensieve::api
