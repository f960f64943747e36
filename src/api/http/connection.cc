#include "api/http/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

#include "api/http/response_head.h"
#include "base/ids.h"

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

// What a handler fails with when its client has gone; its parts that ran side by side all do.
bool is_abort(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (const asio::multiple_exceptions& several) {
    return is_abort(several.first_exception());
  } catch (...) {
    return false;
  }
}

constexpr int kRequestIdLength = 24;
constexpr int kMostUnsentBytes = 64 * 1024;

// The system would take megabytes for a client that reads slowly or not at all, and the model would
// work ahead for nobody. Where it can't be limited, the write time-out still ends such a client.
void limit_unsent_bytes(Tcp::socket& socket) {
  setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kMostUnsentBytes, sizeof kMostUnsentBytes);
}

std::string new_request_id() { return random_id("req_", kRequestIdLength); }

Headers common_headers(const Clock& clock, std::string_view id) {
  return {{"Date", http_date(clock.wall_now())},
          {"Server", "pensieve"},
          {"request-id", std::string(id)},
          {"x-request-id", std::string(id)},
          {"X-Content-Type-Options", "nosniff"}};
}

// A request whose head could not be read: nothing follows it, and its version does not matter.
AnswerTerms closing_terms(const ServerContext& context, std::string_view id) {
  return {.http_1_1 = true,
          .head_only = false,
          .keep_alive = false,
          .common = common_headers(context.clock, id),
          .write_time = context.limits.write_time};
}

Error handler_fault() { return {ErrorCode::kInternal, "the request could not be answered", "see the server's log", {}}; }

}  // namespace

Connection::Connection(Tcp::socket socket, const ServerContext& context)
    : socket_(std::move(socket)), context_(context), reader_(socket_, context.limits) {
  boost::system::error_code ignored;  // a client that is gone already shows when reading
  socket_.set_option(Tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  limit_unsent_bytes(socket_);
}

AnswerTerms Connection::terms_for(const RequestHead& head, std::string_view id) const {
  AnswerTerms terms = closing_terms(context_, id);
  terms.http_1_1 = head.http_1_1;
  terms.head_only = head.method == "HEAD";
  terms.keep_alive = head.keep_alive && !context_.stopping;
  return terms;
}

asio::awaitable<void> Connection::run() {
  try {
    while (co_await exchange()) {
      if (context_.stopping) break;
    }
    answering_ = false;  // a stop need not wait for the client's end
    if (!context_.stopping) co_await linger(socket_, context_.limits.linger_time);
  } catch (const std::exception& error) {
    spdlog::error("a connection ended by a defect: {}", error.what());
  }
  cut();
}

asio::awaitable<void> Connection::refuse() {
  const std::string id = new_request_id();
  const Fault full{
      503, {ErrorCode::kOverloaded, "the server has as many connections as it takes", "try again, or raise server.max_connections", {}}};
  co_await answer_and_close(render_fault(ErrorShape::kPlain, full, id), closing_terms(context_, id));
  co_await linger(socket_, context_.limits.linger_time);
  cut();
}

void Connection::end_when_idle() {
  if (!answering_) cut();
}

void Connection::cut() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

asio::awaitable<bool> Connection::answer_and_close(ErrorAnswer answer, AnswerTerms terms) {
  terms.keep_alive = false;
  ResponseSender sender(socket_, std::move(terms));
  co_await sender.send(answer.status, std::move(answer.headers), std::move(answer.body));
  co_return false;
}

asio::awaitable<bool> Connection::exchange() {
  answering_ = false;
  std::expected<RequestHead, Fault> head = co_await reader_.read_head();
  if (!head && head.error().status == 0) co_return false;
  answering_ = true;
  const SteadyTime started = context_.clock.steady_now();
  std::string id = new_request_id();
  if (!head) {
    spdlog::debug("{} refused {}: {}", id, head.error().status, head.error().error.message);
    const ErrorShape shape = shape_for(reader_.target_so_far(), false);
    co_return co_await answer_and_close(render_fault(shape, head.error(), id), closing_terms(context_, id));
  }
  auto admission = admit(context_.gate, *head, id);
  if (auto* admitted = std::get_if<Admitted>(&admission)) {
    const bool more = co_await handle(std::move(*admitted), *head);
    spdlog::debug("{} {} {} took {:.1f} ms", id, head->method, head->target,
                  std::chrono::duration<double, std::milli>(context_.clock.steady_now() - started).count());
    co_return more;
  }
  ErrorAnswer answer = std::get<Answered>(std::move(admission)).answer;
  spdlog::debug("{} {} {} {}", id, head->method, head->target, answer.status);
  if (head->has_body()) {
    co_return co_await answer_and_close(std::move(answer), terms_for(*head, id));
  }
  ResponseSender sender(socket_, terms_for(*head, id));
  co_await sender.send(answer.status, std::move(answer.headers), std::move(answer.body));
  co_return sender.keeps_alive();
}

asio::awaitable<bool> Connection::handle(Admitted admitted, const RequestHead& head) {
  HttpRequest& request = admitted.request;
  const Route& route = *admitted.route;
  const ErrorShape shape = error_shape(&route, request.path, head.headers.contains("anthropic-version"));
  AnswerTerms terms = terms_for(head, request.id);
  std::ranges::copy(admitted.cors, std::back_inserter(terms.common));

  if (auto fits = reader_.check_declared_body(); !fits) {
    co_return co_await answer_and_close(render_fault(shape, fits.error(), request.id), std::move(terms));
  }
  if (head.expects_continue && head.has_body() && reader_.body_is_awaited()) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await write_all(socket_, {asio::buffer(kContinue)}, context_.limits.write_time);
  }
  std::expected<std::string, Fault> body = co_await reader_.read_body();
  if (!body) {
    if (body.error().status == 0) co_return false;
    co_return co_await answer_and_close(render_fault(shape, body.error(), request.id), std::move(terms));
  }
  request.body = *std::move(body);

  using namespace asio::experimental::awaitable_operators;
  ResponseSender sender(socket_, std::move(terms));
  co_await (run_handler(route, request, sender) || watch_client(sender));
  if (!sender.begun() && socket_.is_open()) {
    ErrorAnswer answer = render_error(shape, handler_fault(), request.id);
    co_await sender.send(answer.status, std::move(answer.headers), std::move(answer.body));
  }
  spdlog::debug("{} answered {} with {} bytes{}", request.id, sender.status(), sender.body_bytes(), sender.complete() ? "" : ", cut short");
  co_return sender.keeps_alive();
}

asio::awaitable<void> Connection::run_handler(const Route& route, const HttpRequest& request, ResponseWriter& writer) {
  try {
    co_await route.handler(request, writer);
  } catch (const std::exception& error) {
    if (is_abort(std::current_exception())) co_return;
    spdlog::error("{} handler of {} threw: {}", request.id, route.pattern, error.what());
  }
}

asio::awaitable<void> Connection::watch_client(const ResponseSender& sender) {
  co_await reader_.wait_until_gone();
  // A client that sent all it had to say still gets the answer that is on its way.
  if (!sender.ending() || !socket_.is_open()) co_return;
  asio::steady_timer until_cancelled(socket_.get_executor(), asio::steady_timer::time_point::max());
  co_await until_cancelled.async_wait(asio::as_tuple(asio::use_awaitable));
}

}  // namespace pensieve::api
