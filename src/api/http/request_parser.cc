#include "api/http/request_parser.h"

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <format>

#include "base/units.h"

namespace pensieve::api {
namespace {

namespace http = boost::beast::http;

std::unexpected<Fault> refuse(int status, std::string message, std::string advice = {}) {
  const ErrorCode code = status == 413 ? ErrorCode::kTooLarge : ErrorCode::kInvalidArgument;
  return std::unexpected(Fault{status, {code, std::move(message), std::move(advice), {}}});
}

std::unexpected<Fault> body_too_large(std::size_t limit) {
  return refuse(413, std::format("the request body is larger than {}", to_text(Bytes{static_cast<std::int64_t>(limit)})),
                "send less, or raise server.max_body_bytes");
}

std::unexpected<Fault> malformed(const boost::system::error_code& error) {
  if (error == http::error::header_limit || error == http::error::header_field_name_too_large) {
    return refuse(431, "the request's headers are too large");
  }
  return refuse(400, std::format("the request is not valid HTTP ({})", error.message()));
}

// What Beast lets pass, and two parsers on one way could read differently (RFC 9112 sections 3.2
// and 6.3): repeated Content-Length or Host, a transfer coding that is not just "chunked".
std::expected<void, Fault> check_framing(const http::fields& fields, bool http_1_1) {
  const std::size_t hosts = fields.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && http_1_1)) {
    return refuse(400, "the request must have exactly one Host header");
  }
  if (http_1_1 && fields[http::field::host].empty()) {
    return refuse(400, "the Host header is empty");
  }
  if (fields.count(http::field::content_length) > 1 || fields[http::field::content_length].contains(',')) {
    return refuse(400, "the request has more than one Content-Length");
  }
  const std::size_t codings = fields.count(http::field::transfer_encoding);
  if (codings == 0) return {};
  if (codings > 1 || !http_1_1 || !boost::algorithm::iequals(fields[http::field::transfer_encoding], "chunked")) {
    return refuse(400, "the only transfer coding understood is 'chunked', in HTTP/1.1");
  }
  return {};
}

}  // namespace

struct RequestParser::Beast {
  http::request_parser<http::string_body> parser;
};

std::string_view RequestHead::header(std::string_view name) const {
  const auto found = headers.find(std::string(name));
  return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

RequestParser::RequestParser(const HttpLimits& limits) : limits_(limits), beast_(std::make_unique<Beast>()) {
  beast_->parser.header_limit(static_cast<std::uint32_t>(limits_.head_bytes));
  beast_->parser.body_limit(boost::none);  // check_declared_body and feed_body see to it
}

RequestParser::~RequestParser() = default;

std::expected<std::size_t, Fault> RequestParser::feed_head(std::string_view bytes) {
  boost::system::error_code error;
  const std::size_t consumed = beast_->parser.put({bytes.data(), bytes.size()}, error);
  if (error == http::error::need_more) return consumed;
  if (error) return malformed(error);
  if (!beast_->parser.is_header_done()) return consumed;

  const auto& message = beast_->parser.get();
  RequestHead head;
  head.method = std::string(message.method_string());
  head.target = std::string(message.target());
  head.http_1_1 = message.version() == 11;
  head.keep_alive = beast_->parser.keep_alive();
  head.chunked = beast_->parser.chunked();
  if (const auto length = beast_->parser.content_length()) head.content_length = *length;
  if (auto framing = check_framing(message.base(), head.http_1_1); !framing) {
    return std::unexpected(std::move(framing).error());
  }
  std::size_t count = 0;
  for (const auto& field : message.base()) {
    if (++count > limits_.header_count) return refuse(431, "the request has too many headers");
    std::string& value = head.headers[boost::algorithm::to_lower_copy(std::string(field.name_string()))];
    if (!value.empty()) value += ", ";
    value += field.value();
  }
  if (const std::string_view expected = head.header("expect"); !expected.empty()) {
    if (!boost::algorithm::iequals(expected, "100-continue")) {
      return refuse(417, "the only expectation understood is '100-continue'");
    }
    head.expects_continue = head.http_1_1;
  }
  head_ = std::move(head);
  return consumed;
}

std::string RequestParser::target_so_far() const { return std::string(beast_->parser.get().target()); }

std::expected<void, Fault> RequestParser::check_declared_body() const {
  if (head_->content_length.value_or(0) > limits_.body_bytes) {
    return body_too_large(limits_.body_bytes);
  }
  return {};
}

std::expected<std::size_t, Fault> RequestParser::feed_body(std::string_view bytes) {
  if (!beast_->parser.eager()) {
    beast_->parser.eager(true);
    beast_->parser.body_limit(limits_.body_bytes);
  }
  boost::system::error_code error;
  const std::size_t consumed = beast_->parser.put({bytes.data(), bytes.size()}, error);
  if (error == http::error::body_limit || error == http::error::buffer_overflow) {
    return body_too_large(limits_.body_bytes);
  }
  if (error && error != http::error::need_more) return malformed(error);
  return consumed;
}

bool RequestParser::done() const { return beast_->parser.is_done(); }

std::string RequestParser::take_body() { return std::move(beast_->parser.get().body()); }

}  // namespace pensieve::api
