// The command line's HTTP client.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pensieve {

struct HttpAnswer {
  long status = 0;
  std::string body;
};

// GET, or POST if `body` is not empty. Error kUnavailable: nobody answers there.
Result<HttpAnswer> http_call(const std::string& url, const std::string& body, std::chrono::seconds timeout);

// POST whose answer is a stream of server-sent events; `on_data` gets each event's data as it comes.
// Error: the server's own message if the status is not 200.
Result<void> http_stream(const std::string& url, const std::string& body, const std::function<void(std::string_view)>& on_data);

}  // namespace pensieve
