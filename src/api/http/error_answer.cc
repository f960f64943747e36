// The one table from our error codes to what each API's clients understand.
#include <array>
#include <glaze/glaze.hpp>
#include <optional>

#include "api/escaped_json.h"
#include "api/http/exchange.h"
#include "api/http/fault.h"
#include "base/utf8.h"

namespace pensieve::api {
namespace error_json {  // glaze reads the names of fields only of types with linkage

struct OpenAiError {
  std::string message;
  std::string_view type;
  std::optional<std::string> param;
  std::optional<std::string_view> code;
};
struct OpenAiBody {
  OpenAiError error;
};

struct AnthropicDetails {
  std::string_view error_code;
};
struct AnthropicError {
  std::string_view type;
  std::string message;
  std::optional<AnthropicDetails> details;
};
struct AnthropicBody {
  std::string_view type = "error";
  AnthropicError error;
  std::string_view request_id;
};

struct OllamaBody {
  std::string error;
};

struct PlainError {
  std::string_view code;
  std::string message;
  std::string advice;
};
struct PlainBody {
  PlainError error;
};

}  // namespace error_json
namespace {

using namespace error_json;

struct Row {
  ErrorCode code;
  int openai_status;
  std::string_view openai_type;
  std::string_view openai_code;  // empty: null
  int anthropic_status;
  std::string_view anthropic_type;
  int plain_status;
  int retry_after_s;  // 0: no Retry-After
};

// Types and statuses as the official SDKs map them:
// https://platform.openai.com/docs/guides/error-codes and https://docs.anthropic.com/en/api/errors.
constexpr std::array kRows = {
    Row{ErrorCode::kInternal, 500, "server_error", "internal_error", 500, "api_error", 500, 0},
    Row{ErrorCode::kInvalidArgument, 400, "invalid_request_error", "", 400, "invalid_request_error", 400, 0},
    Row{ErrorCode::kNotFound, 404, "invalid_request_error", "model_not_found", 404, "not_found_error", 404, 0},
    Row{ErrorCode::kUnauthenticated, 401, "invalid_request_error", "invalid_api_key", 401, "authentication_error", 401, 0},
    Row{ErrorCode::kForbidden, 403, "permission_error", "", 403, "permission_error", 403, 0},
    Row{ErrorCode::kTooLarge, 413, "invalid_request_error", "request_too_large", 413, "request_too_large", 413, 0},
    Row{ErrorCode::kContextOverflow, 400, "invalid_request_error", "context_length_exceeded", 400, "invalid_request_error", 400, 0},
    Row{ErrorCode::kTimeout, 504, "timeout_error", "timeout", 504, "timeout_error", 504, 0},
    Row{ErrorCode::kOverloaded, 429, "rate_limit_error", "rate_limit_exceeded", 429, "rate_limit_error", 429, 2},
    Row{ErrorCode::kOutOfMemory, 503, "overloaded_error", "out_of_memory", 529, "overloaded_error", 503, 10},
    Row{ErrorCode::kWorkerLost, 502, "api_error", "worker_lost", 500, "api_error", 502, 0},
    Row{ErrorCode::kUnavailable, 503, "server_error", "unavailable", 503, "api_error", 503, 5},
    Row{ErrorCode::kCancelled, 499, "api_error", "cancelled", 499, "api_error", 499, 0},
    Row{ErrorCode::kIo, 500, "server_error", "io_error", 500, "api_error", 500, 0},
    Row{ErrorCode::kUnsupported, 400, "invalid_request_error", "unsupported", 400, "invalid_request_error", 400, 0},
};

const Row& row_of(ErrorCode code) {
  for (const Row& row : kRows) {
    if (row.code == code) return row;
  }
  return kRows.front();
}

template <bool kSkipNull = false, typename Body>
std::string to_json(const Body& body) {
  std::string text;
  if (glz::write<EscapedJson{{.skip_null_members = kSkipNull}}>(body, text)) return "{}";
  return text;
}

// The message for APIs without a field for advice. Clients match the overflow error's wording, so
// nothing is added to it (FACTS.md section 7).
std::string message_of(const Error& error) {
  return replace_invalid_utf8(error.code == ErrorCode::kContextOverflow ? error.message : error.text());
}

std::string openai_body(const Row& row, const Error& error) {
  OpenAiError shaped{message_of(error), row.openai_type, {}, {}};
  if (!error.param.empty()) shaped.param = replace_invalid_utf8(error.param);
  if (!row.openai_code.empty()) shaped.code = row.openai_code;
  // Not found is a model nearly always; anything else says so by its param.
  if (error.code == ErrorCode::kNotFound && shaped.param.value_or("model") != "model") {
    shaped.code = "not_found";
  }
  return to_json(OpenAiBody{std::move(shaped)});
}

std::string anthropic_body(const Row& row, const Error& error, std::string_view request_id) {
  AnthropicError shaped{row.anthropic_type, message_of(error), {}};
  // What the official SDKs look for to go on without a thread.
  if (error.code == ErrorCode::kUnsupported && error.param == "thread") shaped.details = {"thread_unsupported_request"};
  return to_json<true>(AnthropicBody{"error", std::move(shaped), request_id});
}

}  // namespace

ErrorAnswer render_error(ErrorShape shape, const Error& error, std::string_view request_id) {
  const Row& row = row_of(error.code);
  ErrorAnswer answer;
  answer.headers = {{"Content-Type", "application/json"}};
  switch (shape) {
    case ErrorShape::kOpenAi:
      answer.status = row.openai_status;
      answer.body = openai_body(row, error);
      break;
    case ErrorShape::kAnthropic:
      answer.status = row.anthropic_status;
      answer.body = anthropic_body(row, error, request_id);
      break;
    case ErrorShape::kOllama:
      // A full queue is 503 there, and its clients look for these words where a model is missing.
      answer.status = error.code == ErrorCode::kOverloaded ? 503 : row.plain_status;
      answer.body = to_json(OllamaBody{error.code == ErrorCode::kNotFound ? "not found: " + message_of(error) : message_of(error)});
      break;
    case ErrorShape::kPlain:
      answer.status = row.plain_status;
      answer.body = to_json(PlainBody{{to_string(error.code), replace_invalid_utf8(error.message), replace_invalid_utf8(error.advice)}});
      break;
  }
  if (const int seconds = error.retry_after_s > 0 ? error.retry_after_s : row.retry_after_s; seconds > 0) {
    answer.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  if (error.code == ErrorCode::kUnauthenticated) {
    answer.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"pensieve\"");
  }
  return answer;
}

ErrorAnswer render_fault(ErrorShape shape, const Fault& fault, std::string_view request_id) {
  ErrorAnswer answer = render_error(shape, fault.error, request_id);
  answer.status = fault.status;
  return answer;
}

}  // namespace pensieve::api
