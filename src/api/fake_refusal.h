// For tests of the request parsers: what a body is refused with.
#pragma once

#include <ostream>
#include <string>

#include "api/http/exchange.h"
#include "base/result.h"

namespace pensieve::api {

// A body, the field that its refusal names, and a part of the message.
struct Refusal {
  std::string body;
  std::string param;
  std::string message;
  ErrorCode code = ErrorCode::kInvalidArgument;

  friend std::ostream& operator<<(std::ostream& out, const Refusal& refusal) { return out << refusal.body.substr(0, 200); }
};

}  // namespace pensieve::api
