#include <gtest/gtest.h>

#include "api/http/exchange.h"
#include "api/http/fault.h"

namespace pensieve::api {
namespace {

struct Case {
  ErrorCode code;
  int openai;
  const char* openai_type;
  const char* openai_code;
  int anthropic;
  const char* anthropic_type;
  int plain;
};

constexpr Case kCases[] = {
    {ErrorCode::kInternal, 500, "server_error", "\"internal_error\"", 500, "api_error", 500},
    {ErrorCode::kInvalidArgument, 400, "invalid_request_error", "null", 400, "invalid_request_error", 400},
    {ErrorCode::kNotFound, 404, "invalid_request_error", "\"model_not_found\"", 404, "not_found_error", 404},
    {ErrorCode::kUnauthenticated, 401, "invalid_request_error", "\"invalid_api_key\"", 401, "authentication_error", 401},
    {ErrorCode::kForbidden, 403, "permission_error", "null", 403, "permission_error", 403},
    {ErrorCode::kTooLarge, 413, "invalid_request_error", "\"request_too_large\"", 413, "request_too_large", 413},
    {ErrorCode::kContextOverflow, 400, "invalid_request_error", "\"context_length_exceeded\"", 400, "invalid_request_error", 400},
    {ErrorCode::kTimeout, 504, "timeout_error", "\"timeout\"", 504, "timeout_error", 504},
    {ErrorCode::kOverloaded, 429, "rate_limit_error", "\"rate_limit_exceeded\"", 429, "rate_limit_error", 429},
    {ErrorCode::kOutOfMemory, 503, "overloaded_error", "\"out_of_memory\"", 529, "overloaded_error", 503},
    {ErrorCode::kWorkerLost, 502, "api_error", "\"worker_lost\"", 500, "api_error", 502},
    {ErrorCode::kUnavailable, 503, "server_error", "\"unavailable\"", 503, "api_error", 503},
    {ErrorCode::kCancelled, 499, "api_error", "\"cancelled\"", 499, "api_error", 499},
    {ErrorCode::kIo, 500, "server_error", "\"io_error\"", 500, "api_error", 500},
    {ErrorCode::kUnsupported, 400, "invalid_request_error", "\"unsupported\"", 400, "invalid_request_error", 400},
};

TEST(RenderError, HasEveryCodeInEveryShape) {
  for (const Case& c : kCases) {
    const Error error{c.code, "what", "cure", ""};
    const ErrorAnswer openai = render_error(ErrorShape::kOpenAi, error, "req_1");
    const ErrorAnswer anthropic = render_error(ErrorShape::kAnthropic, error, "req_1");
    const ErrorAnswer plain = render_error(ErrorShape::kPlain, error, "req_1");
    const std::string message = c.code == ErrorCode::kContextOverflow ? "what" : "what; cure";
    EXPECT_EQ(openai.status, c.openai) << to_string(c.code);
    EXPECT_EQ(openai.body,
              R"({"error":{"message":")" + message + R"(","type":")" + c.openai_type + R"(","param":null,"code":)" + c.openai_code + "}}");
    EXPECT_EQ(anthropic.status, c.anthropic) << to_string(c.code);
    EXPECT_EQ(anthropic.body, std::string(R"({"type":"error","error":{"type":")") + c.anthropic_type + R"(","message":")" + message +
                                  R"("},"request_id":"req_1"})");
    EXPECT_EQ(plain.status, c.plain) << to_string(c.code);
    EXPECT_EQ(plain.body, R"({"error":{"code":")" + std::string(to_string(c.code)) + R"(","message":"what","advice":"cure"}})");
  }
}

std::string header(const ErrorAnswer& answer, std::string_view name) {
  for (const auto& [key, value] : answer.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST(RenderError, EscapesControlCharactersThatItQuotes) {
  const Error error{ErrorCode::kNotFound, "model '\x11\n\x7f' is not installed", "", "model"};
  for (const ErrorShape shape : {ErrorShape::kOpenAi, ErrorShape::kAnthropic, ErrorShape::kOllama, ErrorShape::kPlain}) {
    const std::string body = render_error(shape, error, "req_1").body;
    EXPECT_NE(body.find(R"('\u0011\n)"), std::string::npos) << body;
    EXPECT_EQ(body.find('\x11'), std::string::npos) << body;
  }
}

TEST(RenderError, TellsWhenToTryAgain) {
  for (const ErrorCode code : {ErrorCode::kOverloaded, ErrorCode::kOutOfMemory, ErrorCode::kUnavailable}) {
    EXPECT_GT(std::stoi(header(render_error(ErrorShape::kOpenAi, {code, "m", "", ""}, ""), "Retry-After")), 0);
  }
  const Error queued{.code = ErrorCode::kOverloaded, .message = "m", .retry_after_s = 17};
  EXPECT_EQ(header(render_error(ErrorShape::kAnthropic, queued, ""), "Retry-After"), "17");
  const ErrorAnswer invalid = render_error(ErrorShape::kOpenAi, {ErrorCode::kInvalidArgument, "m", "", ""}, "");
  EXPECT_EQ(header(invalid, "Retry-After"), "");
  EXPECT_EQ(header(invalid, "Content-Type"), "application/json");
}

TEST(RenderError, AsksForAKeyByWwwAuthenticate) {
  EXPECT_TRUE(header(render_error(ErrorShape::kAnthropic, {ErrorCode::kUnauthenticated, "m", "", ""}, ""), "WWW-Authenticate")
                  .starts_with("Bearer"));
}

TEST(RenderError, KeepsTheWordingThatClientsCompactOn) {
  const Error error{ErrorCode::kContextOverflow, "prompt is too long: 215692 tokens > 200000 maximum", "shorten it", "messages"};
  EXPECT_TRUE(
      render_error(ErrorShape::kAnthropic, error, "").body.contains(R"("message":"prompt is too long: 215692 tokens > 200000 maximum"})"));
}

TEST(RenderError, TellsAnthropicClientsToGoOnWithoutAThread) {
  const std::string body = render_error(ErrorShape::kAnthropic, {ErrorCode::kUnsupported, "m", "", "thread"}, "").body;
  EXPECT_TRUE(body.contains(R"("message":"m","details":{"error_code":"thread_unsupported_request"}})")) << body;
  EXPECT_FALSE(render_error(ErrorShape::kAnthropic, {ErrorCode::kUnsupported, "m", "", "tools"}, "").body.contains("details"));
}

TEST(RenderError, NamesTheFieldAtFault) {
  const Error error{ErrorCode::kInvalidArgument, "m", "", "temperature"};
  EXPECT_TRUE(render_error(ErrorShape::kOpenAi, error, "").body.contains(R"("param":"temperature")"));
}

TEST(RenderError, CallsOnlyAModelAMissingModel) {
  const auto body = [](const char* param) { return render_error(ErrorShape::kOpenAi, {ErrorCode::kNotFound, "m", "", param}, "").body; };
  EXPECT_TRUE(body("model").contains(R"("code":"model_not_found")"));
  EXPECT_TRUE(body("").contains(R"("code":"model_not_found")"));
  EXPECT_TRUE(body("path").contains(R"("code":"not_found")"));
}

TEST(RenderError, WritesValidJsonWhateverTheMessageHolds) {
  const Error error{ErrorCode::kInvalidArgument, "a\"b\n\xFF\\", "", ""};
  EXPECT_TRUE(render_error(ErrorShape::kPlain, error, "").body.contains("\"message\":\"a\\\"b\\n\xEF\xBF\xBD\\\\\""));
}

TEST(RenderFault, KeepsTheFaultsOwnStatus) {
  const Fault fault{405, {ErrorCode::kInvalidArgument, "m", "", ""}};
  EXPECT_EQ(render_fault(ErrorShape::kAnthropic, fault, "").status, 405);
}

}  // namespace
}  // namespace pensieve::api
