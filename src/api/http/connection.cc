#include "api/http/connection.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <format>
#include <utility>

#include "api/http/guard.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/utf8.h"

namespace pensieve::api {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
// A refused body is read and thrown away for this long, so that the client sees the answer.
constexpr std::chrono::seconds kDrainTime{3};
constexpr std::size_t kMaxEchoedHeader = 4096;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

ErrorShape shape_of_path(std::string_view path) {
  if (path.starts_with("/v1/messages")) return ErrorShape::kAnthropic;
  return path.starts_with("/v1/") ? ErrorShape::kOpenAi : ErrorShape::kPlain;
}

}  // namespace

struct Connection::Stream {
  explicit Stream(asio::ip::tcp::socket socket) : tcp(std::move(socket)) {}
  beast::tcp_stream tcp;
  beast::flat_buffer buffer{1024 * 1024};
};

// A request while it comes in.
struct Connection::Incoming {
  http::request_parser<http::string_body> parser;
  HttpRequest request;
  Router::Match match;
  ErrorShape shape = ErrorShape::kPlain;
  bool keep_alive = false;
  bool body_read = false;
};

class Connection::Writer final : public ResponseWriter {
 public:
  Writer(Connection& connection, const Incoming& incoming) : connection_(connection), incoming_(incoming) {}

  asio::awaitable<bool> send(int status, Headers headers, std::string body) override {
    http::response<http::string_body> response;
    fill(response, status, headers);
    response.content_length(body.size());
    if (incoming_.request.method != "HEAD") response.body() = std::move(body);
    http::response_serializer<http::string_body> serializer(response);
    arm();
    const auto [error, size] = co_await http::async_write(tcp(), serializer, kTuple);
    co_return note(error);
  }

  asio::awaitable<bool> begin_stream(int status, Headers headers) override {
    chunked_ = incoming_.parser.get().version() >= 11;
    keep_alive_ = keep_alive_ && chunked_;
    http::response<http::empty_body> response;
    fill(response, status, headers);
    response.chunked(chunked_);
    http::response_serializer<http::empty_body> serializer(response);
    arm();
    const auto [error, size] = co_await http::async_write_header(tcp(), serializer, kTuple);
    co_return note(error);
  }

  asio::awaitable<bool> write(std::string_view bytes) override {
    if (bytes.empty() || incoming_.request.method == "HEAD") co_return true;
    arm();
    if (chunked_) {
      const auto [error, size] = co_await asio::async_write(tcp(), http::make_chunk(asio::buffer(bytes)), kTuple);
      co_return note(error);
    }
    const auto [error, size] = co_await asio::async_write(tcp(), asio::buffer(bytes), kTuple);
    co_return note(error);
  }

  asio::awaitable<bool> end_stream() override {
    if (!chunked_) co_return true;
    arm();
    const auto [error, size] = co_await asio::async_write(tcp(), http::make_chunk_last(), kTuple);
    co_return note(error);
  }

  void close_afterwards() { keep_alive_ = false; }
  [[nodiscard]] bool keep_alive() const { return keep_alive_ && answered_ && !failed_; }
  [[nodiscard]] bool answered() const { return answered_; }
  [[nodiscard]] int status() const { return status_; }

 private:
  beast::tcp_stream& tcp() { return connection_.stream_->tcp; }
  void arm() { tcp().expires_after(connection_.context_->limits.write_timeout); }

  template <typename Response>
  void fill(Response& response, int status, const Headers& headers) {
    const HttpRequest& request = incoming_.request;
    answered_ = true;
    status_ = status;
    keep_alive_ = keep_alive_ && incoming_.keep_alive && !connection_.context_->stopping;
    response.version(incoming_.parser.get().version() >= 11 ? 11 : 10);
    response.result(static_cast<unsigned>(status));
    response.set(http::field::server, "pensieve");
    response.set("request-id", request.id);
    response.set("x-request-id", request.id);
    for (const auto& [name, value] : headers) response.set(name, value);
    const std::string_view origin = request.header("origin");
    if (!origin.empty()) {
      response.set(http::field::vary, "Origin");
      if (origin_allowed(origin, connection_.context_->config)) {
        response.set(http::field::access_control_allow_origin, origin);
        response.set(http::field::access_control_expose_headers,
                     "request-id, x-request-id, X-Pensieve-Model, X-Pensieve-Decision, X-Pensieve-Degraded, Retry-After");
      }
    }
    response.keep_alive(keep_alive_);
  }

  bool note(boost::system::error_code error) {
    if (error) failed_ = true;
    return !error;
  }

  Connection& connection_;
  const Incoming& incoming_;
  bool chunked_ = false;
  bool keep_alive_ = true;
  bool answered_ = false;
  bool failed_ = false;
  int status_ = 0;
};

Connection::Connection(asio::ip::tcp::socket socket, std::shared_ptr<ConnectionContext> context)
    : context_(std::move(context)), stream_(std::make_unique<Stream>(std::move(socket))) {
  boost::system::error_code ignored;
  stream_->tcp.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  context_->connections.insert(this);
}

Connection::~Connection() { context_->connections.erase(this); }

bool Connection::busy() const { return busy_; }

void Connection::close() { stream_->tcp.close(); }

asio::awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  while (co_await serve_one()) {
  }
  boost::system::error_code ignored;
  stream_->tcp.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

// Reads a head. An error with code kCancelled: the connection ended before one began.
asio::awaitable<Result<void>> Connection::read_head(Incoming& incoming) {
  incoming.parser.header_limit(context_->limits.header_bytes);
  incoming.parser.body_limit(context_->limits.body_bytes);
  if (stream_->buffer.size() == 0) {
    stream_->tcp.expires_after(context_->limits.idle_timeout);
    const auto [error, size] = co_await stream_->tcp.async_read_some(stream_->buffer.prepare(16 * 1024), kTuple);
    if (error) co_return fail(ErrorCode::kCancelled, error.message());
    stream_->buffer.commit(size);
  }
  stream_->tcp.expires_after(context_->limits.header_timeout);
  const auto [error, size] = co_await http::async_read_header(stream_->tcp, stream_->buffer, incoming.parser, kTuple);
  if (error == beast::error::timeout || error == http::error::end_of_stream || error == asio::error::connection_reset ||
      error == http::error::partial_message) {
    co_return fail(ErrorCode::kCancelled, error.message());
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    co_return fail(ErrorCode::kTooLarge, std::format("the request's headers are over {} bytes", context_->limits.header_bytes));
  }
  if (error == http::error::body_limit) {
    co_return fail(ErrorCode::kTooLarge, std::format("the request body is over the bound of {} bytes", context_->limits.body_bytes),
                   "shorten it, or raise server.max_body_bytes");
  }
  if (error) co_return fail(ErrorCode::kInvalidArgument, std::format("the request is not valid HTTP: {}", error.message()));
  co_return Result<void>();
}

// All that can be said of a request from its head. Fills in `incoming.request` and its route.
Result<void> Connection::check(Incoming& incoming) const {
  const auto& message = incoming.parser.get();
  HttpRequest& request = incoming.request;
  request.method = std::string(message.method_string());
  for (const auto& field : message) {
    std::string& value = request.headers[lower(field.name_string())];
    value += (value.empty() ? "" : ", ") + std::string(field.value());
  }
  const Target target = TRY(parse_target(message.target()));
  request.path = target.path;
  request.query = target.query;
  incoming.shape = shape_of_path(request.path);
  if (!request.header("anthropic-version").empty() && request.path.starts_with("/v1/")) incoming.shape = ErrorShape::kAnthropic;
  incoming.match = context_->router.find(request.method, request.path);
  if (incoming.match.route != nullptr && request.header("anthropic-version").empty()) incoming.shape = incoming.match.route->errors;
  request.path_parameters = incoming.match.parameters;

  if (message.count(http::field::content_length) > 1 || message.count(http::field::host) > 1) {
    return fail(ErrorCode::kInvalidArgument, "the request has Host or Content-Length twice");
  }
  const std::string_view host = request.header("host");
  if ((message.version() >= 11 || !host.empty()) && !host_allowed(host, context_->config)) {
    return fail(ErrorCode::kForbidden, std::format("this server is not known as '{}'", replace_invalid_utf8(host.substr(0, 100))),
                "add the name to server.allowed_hosts");
  }
  const std::string_view origin = request.header("origin");
  if (!origin.empty() && !origin_allowed(origin, context_->config)) {
    return fail(ErrorCode::kForbidden, std::format("web pages of '{}' may not call this server", replace_invalid_utf8(origin.substr(0, 100))),
                "add the origin to server.allowed_origins");
  }
  const bool open = request.method == "OPTIONS" || (incoming.match.route != nullptr && !incoming.match.route->needs_key);
  if (!open && !key_allowed(request.header("authorization"), request.header("x-api-key"), context_->config)) {
    return fail(ErrorCode::kUnauthenticated, "the API key is missing or wrong",
                "send a key of server.api_keys as 'Authorization: Bearer KEY' or 'x-api-key: KEY'");
  }
  if (incoming.match.route == nullptr && incoming.match.allowed.empty()) {
    return fail(ErrorCode::kNotFound, std::format("there is nothing at {}", replace_invalid_utf8(request.path.substr(0, 200))));
  }
  return {};
}

asio::awaitable<Result<void>> Connection::read_body(Incoming& incoming) {
  stream_->tcp.expires_after(context_->limits.body_timeout);
  if (beast::iequals(incoming.parser.get()[http::field::expect], "100-continue")) {
    http::response<http::empty_body> proceed(http::status::continue_, 11);
    http::response_serializer<http::empty_body> serializer(proceed);
    co_await http::async_write_header(stream_->tcp, serializer, kTuple);
  }
  const auto [error, size] = co_await http::async_read(stream_->tcp, stream_->buffer, incoming.parser, kTuple);
  if (error == http::error::body_limit) {
    co_return fail(ErrorCode::kTooLarge, std::format("the request body is over the bound of {} bytes", context_->limits.body_bytes),
                   "shorten it, or raise server.max_body_bytes");
  }
  if (error == beast::error::timeout) co_return fail(ErrorCode::kTimeout, "the request body did not arrive in time");
  if (error && error.category() == http::make_error_code(http::error::bad_chunk).category() && error != http::error::partial_message) {
    co_return fail(ErrorCode::kInvalidArgument, std::format("the request is not valid HTTP: {}", error.message()));
  }
  if (error) co_return fail(ErrorCode::kCancelled, error.message());
  incoming.body_read = true;
  incoming.request.body = std::move(incoming.parser.get().body());
  co_return Result<void>();
}

// One request and its answer. False: the connection is over.
asio::awaitable<bool> Connection::serve_one() {
  Incoming incoming;
  incoming.request.id = random_id("req_", 24);
  Writer writer(*this, incoming);
  Result<void> ok = co_await read_head(incoming);
  if (!ok && ok.error().code == ErrorCode::kCancelled) co_return false;
  busy_ = true;
  const auto begin = std::chrono::steady_clock::now();
  if (ok) {
    incoming.keep_alive = incoming.parser.keep_alive();
    ok = check(incoming);
  } else {
    incoming.shape = shape_of_path(incoming.parser.get().target());
  }
  if (ok) ok = co_await read_body(incoming);
  if (!ok && ok.error().code == ErrorCode::kCancelled) co_return false;
  if (ok) {
    co_await answer(incoming, writer);
  } else {
    co_await refuse(incoming, writer, ok.error());
  }
  busy_ = false;
  spdlog::debug("{} {} {} -> {} in {} ms", incoming.request.id, incoming.request.method, incoming.request.path, writer.status(),
                std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count());
  co_return writer.keep_alive() && !context_->stopping;
}

asio::awaitable<void> Connection::refuse(Incoming& incoming, Writer& writer, const Error& error) {
  ErrorAnswer answer = render_error(incoming.shape, error, incoming.request.id);
  // Bytes that were not read would be taken for the next request.
  const bool unread = !incoming.body_read && !(incoming.parser.is_header_done() && incoming.parser.is_done());
  writer.close_afterwards();
  co_await writer.send(answer.status, std::move(answer.headers), std::move(answer.body));
  if (unread) co_await drain();
}

asio::awaitable<void> Connection::drain() {
  boost::system::error_code ignored;
  stream_->tcp.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  stream_->tcp.expires_after(kDrainTime);
  std::vector<char> waste(64 * 1024);
  for (std::uint64_t total = 0; total < 4 * context_->limits.body_bytes;) {
    const auto [error, size] = co_await stream_->tcp.async_read_some(asio::buffer(waste), kTuple);
    if (error) co_return;
    total += size;
  }
}

asio::awaitable<void> Connection::answer(Incoming& incoming, Writer& writer) {
  using namespace asio::experimental::awaitable_operators;
  const HttpRequest& request = incoming.request;
  if (request.method == "OPTIONS") {
    const std::string_view asked = request.header("access-control-request-headers");
    Headers headers = {{"Allow", "GET, POST, OPTIONS"}};
    if (!request.header("origin").empty()) {
      headers.emplace_back("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
      headers.emplace_back("Access-Control-Max-Age", "600");
      if (!asked.empty()) headers.emplace_back("Access-Control-Allow-Headers", asked.substr(0, kMaxEchoedHeader));
    }
    co_await writer.send(204, std::move(headers), "");
    co_return;
  }
  if (incoming.match.route == nullptr) {
    std::string allow;
    for (const std::string& method : incoming.match.allowed) allow += (allow.empty() ? "" : ", ") + method;
    ErrorAnswer error = render_error(incoming.shape, {ErrorCode::kInvalidArgument, std::format("{} is not possible here", request.method.substr(0, 20)), "use " + allow, ""}, request.id);
    error.headers.emplace_back("Allow", allow);
    co_await writer.send(405, std::move(error.headers), std::move(error.body));
    co_return;
  }
  stream_->tcp.expires_never();
  bool left = false;
  try {
    const auto first = co_await (incoming.match.route->handler(request, writer) || until_client_leaves());
    left = first.index() == 1;
  } catch (const std::exception& error) {
    // The cancelled handler of a server that stops, or a defect.
    spdlog::error("{} {}: {}", request.id, request.path, error.what());
    left = true;
  }
  if (left || !writer.answered()) {
    writer.close_afterwards();
    stream_->tcp.close();
  }
}

// Completes when the client has closed its side; then the handler is cancelled. Bytes of a next
// request are not a reason to leave.
asio::awaitable<void> Connection::until_client_leaves() {
  asio::ip::tcp::socket& socket = stream_->tcp.socket();
  const auto [error] = co_await socket.async_wait(asio::ip::tcp::socket::wait_read, kTuple);
  if (!error) {
    char byte = 0;
    boost::system::error_code failed;
    socket.non_blocking(true, failed);
    const std::size_t size = socket.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, failed);
    if (!failed && size > 0) {
      asio::steady_timer forever(socket.get_executor(), asio::steady_timer::time_point::max());
      co_await forever.async_wait(asio::use_awaitable);
    }
  }
}

}  // namespace pensieve::api
