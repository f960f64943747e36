#include "base/result.h"

#include <format>

namespace pensieve {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return "internal";
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kUnauthenticated:
      return "unauthenticated";
    case ErrorCode::kForbidden:
      return "forbidden";
    case ErrorCode::kTooLarge:
      return "too_large";
    case ErrorCode::kContextOverflow:
      return "context_overflow";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kOverloaded:
      return "overloaded";
    case ErrorCode::kOutOfMemory:
      return "out_of_memory";
    case ErrorCode::kWorkerLost:
      return "worker_lost";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kUnsupported:
      return "unsupported";
  }
  return "internal";
}

std::string Error::text() const { return advice.empty() ? message : std::format("{}; {}", message, advice); }

Error with_context(Error error, std::string_view context) {
  error.message = std::format("{}: {}", context, error.message);
  return error;
}

}  // namespace pensieve
