// The one table from ErrorCode to HTTP, and each API's error body.
#include <array>
#include <glaze/glaze.hpp>

#include "api/http/exchange.h"
#include "base/utf8.h"

namespace pensieve::api {
namespace {

struct Mapping {
  ErrorCode code;
  int status;
  std::string_view openai_type;
  std::string_view openai_code;  // empty: null
  std::string_view anthropic_type;
};

constexpr auto kMappings = std::to_array<Mapping>({
    {ErrorCode::kInternal, 500, "server_error", "internal_error", "api_error"},
    {ErrorCode::kInvalidArgument, 400, "invalid_request_error", "", "invalid_request_error"},
    {ErrorCode::kNotFound, 404, "invalid_request_error", "model_not_found", "not_found_error"},
    {ErrorCode::kUnauthenticated, 401, "invalid_request_error", "invalid_api_key", "authentication_error"},
    {ErrorCode::kForbidden, 403, "invalid_request_error", "forbidden", "permission_error"},
    {ErrorCode::kTooLarge, 413, "invalid_request_error", "request_too_large", "request_too_large"},
    {ErrorCode::kContextOverflow, 400, "invalid_request_error", "context_length_exceeded", "invalid_request_error"},
    {ErrorCode::kTimeout, 408, "invalid_request_error", "timeout", "invalid_request_error"},
    {ErrorCode::kOverloaded, 429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error"},
    {ErrorCode::kOutOfMemory, 503, "server_error", "out_of_memory", "overloaded_error"},
    {ErrorCode::kWorkerLost, 502, "server_error", "worker_lost", "api_error"},
    {ErrorCode::kUnavailable, 503, "server_error", "unavailable", "overloaded_error"},
    {ErrorCode::kCancelled, 499, "server_error", "cancelled", "api_error"},
    {ErrorCode::kIo, 500, "server_error", "io_error", "api_error"},
    {ErrorCode::kUnsupported, 400, "invalid_request_error", "unsupported", "invalid_request_error"},
});

const Mapping& mapping_of(ErrorCode code) {
  for (const Mapping& mapping : kMappings) {
    if (mapping.code == code) return mapping;
  }
  return kMappings.front();
}

struct OpenAiDetail {
  std::string message;
  std::string_view type;
  std::optional<std::string> param;
  std::optional<std::string_view> code;
};
struct OpenAiError {
  OpenAiDetail error;
};
struct AnthropicDetail {
  std::string_view type;
  std::string message;
};
struct AnthropicError {
  std::string_view type = "error";
  AnthropicDetail error;
  std::string_view request_id;
};
struct PlainDetail {
  std::string_view code;
  std::string message;
  std::string advice;
};
struct PlainError {
  PlainDetail error;
};

template <typename T>
std::string json(const T& value) {
  constexpr glz::opts kOptions{.skip_null_members = false};
  std::string out;
  if (glz::write<kOptions>(value, out)) out = "{}";
  return out;
}

}  // namespace

ErrorAnswer render_error(ErrorShape shape, const Error& error, std::string_view request_id) {
  const Mapping& mapping = mapping_of(error.code);
  ErrorAnswer answer{.status = mapping.status, .headers = {{"Content-Type", "application/json"}}, .body = {}};
  if (mapping.status == 429) answer.headers.emplace_back("Retry-After", "2");
  if (mapping.status == 503) answer.headers.emplace_back("Retry-After", "10");
  if (mapping.status == 401) answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  // Clients look for the overflow's exact words, so nothing is added to them.
  const std::string message = replace_invalid_utf8(
      error.code == ErrorCode::kContextOverflow ? error.message : error.text());
  switch (shape) {
    case ErrorShape::kOpenAi: {
      OpenAiError body{{message, mapping.openai_type, {}, {}}};
      if (!error.param.empty()) body.error.param = replace_invalid_utf8(error.param);
      if (!mapping.openai_code.empty()) body.error.code = mapping.openai_code;
      answer.body = json(body);
      break;
    }
    case ErrorShape::kAnthropic:
      answer.body = json(AnthropicError{.error = {mapping.anthropic_type, message}, .request_id = request_id});
      break;
    case ErrorShape::kPlain:
      answer.body = json(PlainError{{to_string(error.code), replace_invalid_utf8(error.message), replace_invalid_utf8(error.advice)}});
      break;
  }
  return answer;
}

}  // namespace pensieve::api
