// Errors are values: every function of ours that can fail returns Result<T>.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace pensieve {

// What kind of failure it is. Mapped once to HTTP (api/http/error_answer.cc); a command exits with 1
// whatever the code.
enum class ErrorCode : std::uint8_t {
  kInternal,         // a defect of ours or of a library
  kInvalidArgument,  // the caller's input is wrong; retrying unchanged can't help
  kNotFound,         // a model, file or resource that does not exist
  kUnauthenticated,  // no key, or a wrong one
  kForbidden,        // known but not allowed (foreign Host, cross-origin)
  kTooLarge,         // a body, header or file over its bound
  kContextOverflow,  // the prompt does not fit the model's context
  kTimeout,          // a bounded wait ran out
  kOverloaded,       // too many requests; try again later
  kOutOfMemory,      // memory for a model or a context is not there
  kWorkerLost,       // the worker process died or hangs
  kUnavailable,      // the server is stopping, or a model can't be served now
  kCancelled,        // the client went away
  kIo,               // file system or network failure
  kUnsupported,      // valid, but this model or build can't do it
};

// Stable snake_case word for logs and JSON, for example "context_overflow".
std::string_view to_string(ErrorCode code);

// A failure as a person should read it.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;             // what failed and why, without a full stop at the end
  std::string advice;              // what to do about it; may be empty
  std::string param;               // the request field at fault, for APIs that name it; may be empty
  std::int32_t retry_after_s = 0;  // seconds after which a retry makes sense; 0: as usual for the code

  bool operator==(const Error&) const = default;

  // "message; advice", or the message alone.
  [[nodiscard]] std::string text() const;
};

template <typename T>
using Result = std::expected<T, Error>;

// Shorthand for `return fail(code, ...)` in a function that returns Result<T>.
inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string advice = {}, std::string param = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(advice), std::move(param)});
}

// The error of `result` with `context` put before its message ("loading a.gguf: ...").
Error with_context(Error error, std::string_view context);

}  // namespace pensieve

// Value of a Result, or return its error from the enclosing function (not for coroutines: those
// test the result and co_return). A statement expression, as both GCC and Clang have it.
#define TRY(...)                                                              \
  __extension__({                                                             \
    auto try_result_ = (__VA_ARGS__);                                         \
    if (!try_result_) return std::unexpected(std::move(try_result_).error()); \
    std::move(try_result_).value();                                           \
  })

// The same for Result<void>, or where the value is not wanted.
#define TRY_VOID(...)                                                                   \
  do {                                                                                  \
    auto try_void_result_ = (__VA_ARGS__);                                              \
    if (!try_void_result_) return std::unexpected(std::move(try_void_result_).error()); \
  } while (false)
