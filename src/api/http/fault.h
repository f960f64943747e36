// What HTTP itself finds wrong with a request, before any handler sees it.
#pragma once

#include "api/http/exchange.h"
#include "base/result.h"

namespace pensieve::api {

// A refusal with the status that HTTP has for it (400, 403, 404, 405, 408, 413, 417, 431). Status
// 0: nobody is there to answer, just close.
struct Fault {
  int status = 400;
  Error error;
};

// Nobody waits for an answer: the connection ended, or stayed silent between requests.
inline Fault silent_close() { return {0, {ErrorCode::kCancelled, "the connection ended", {}, {}}}; }

// render_error with the fault's own status.
ErrorAnswer render_fault(ErrorShape shape, const Fault& fault, std::string_view request_id);

}  // namespace pensieve::api
