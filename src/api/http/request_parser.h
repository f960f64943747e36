// Bytes to a request, without a socket: what the server, the tests and the fuzzer feed alike.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/fault.h"
#include "api/http/limits.h"

namespace pensieve::api {

// A request's line and headers, checked for everything that makes a message's end ambiguous.
struct RequestHead {
  std::string method;
  std::string target;
  bool http_1_1 = true;
  bool keep_alive = true;
  std::map<std::string, std::string> headers;  // names in lower case; equal names joined by ", "
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool expects_continue = false;

  // Value of a header by its lower-case name; empty if absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] bool has_body() const { return chunked || content_length.value_or(0) > 0; }
};

// Parses one request. Feed it the head until head() is there, then the body until done(). Bytes
// that were not consumed must be offered again with more behind them. After a fault it is of no
// use.
class RequestParser {
 public:
  explicit RequestParser(const HttpLimits& limits);
  ~RequestParser();

  // Consumes head bytes; returns their number. Faults with 400 or 431.
  std::expected<std::size_t, Fault> feed_head(std::string_view bytes);
  // Once the head is complete.
  [[nodiscard]] const std::optional<RequestHead>& head() const { return head_; }
  // The target as far as it is known, also after a fault, to tell the fault in the right shape.
  [[nodiscard]] std::string target_so_far() const;

  // Whether the declared body is within its bound; fault 413 otherwise. After the head.
  [[nodiscard]] std::expected<void, Fault> check_declared_body() const;
  // Consumes body bytes; returns their number. Faults with 400 or 413. After the head.
  std::expected<std::size_t, Fault> feed_body(std::string_view bytes);
  [[nodiscard]] bool done() const;
  // The body; once, after done().
  std::string take_body();

 private:
  struct Beast;  // keeps the library out of this header
  HttpLimits limits_;
  std::unique_ptr<Beast> beast_;
  std::optional<RequestHead> head_;
};

}  // namespace pensieve::api
