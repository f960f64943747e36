// What becomes of a request once its head is known; no socket, no time.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "api/http/api_keys.h"
#include "api/http/exchange.h"
#include "api/http/guard.h"
#include "api/http/request_parser.h"
#include "api/http/router.h"

namespace pensieve::api {

// The checks and routes of one server.
struct Gate {
  Guard guard;
  ApiKeys keys;
  Router router;
};

// The request may be handled; its body is still to come.
struct Admitted {
  const Route* route = nullptr;
  HttpRequest request;  // without body
  Headers cors;         // for the answer
};

// The request has its answer already: a refusal or a preflight's answer.
struct Answered {
  ErrorAnswer answer;
};

// In order: target and Host, Origin, preflight, route, API key. `id` is the request's.
std::variant<Admitted, Answered> admit(const Gate& gate, const RequestHead& head, std::string id);

// In which shape a fault of the request with this target and headers is told; for an unreadable
// target, the plain one.
ErrorShape shape_for(std::string_view target, bool has_anthropic_version);

}  // namespace pensieve::api
