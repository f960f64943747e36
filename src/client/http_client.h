// The command line's HTTP client.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pensieve {

// The answer's body: GET, or POST if `body` is not empty. Errors: kUnavailable if nobody answers there,
// server_error() for a status other than 200.
Result<std::string> http_call(const std::string& url, const std::string& body, std::chrono::seconds timeout);

// POST whose answer is a stream of server-sent events; `on_data` gets each event's data as it comes.
// `stopped` is polled at least once a second and after each signal; once true, the connection is
// closed and the call succeeds. Errors as http_call.
Result<void> http_stream(const std::string& url, const std::string& body, const std::function<void(std::string_view)>& on_data,
                         const std::function<bool()>& stopped);

// What an answer of `status` with `body` (an error in any of the server's shapes) says.
Error server_error(long status, const std::string& body);

}  // namespace pensieve
