// The bounds of everything that comes from outside. Milliseconds, so that tests can make them
// short; a server takes them from its configuration.
#pragma once

#include <chrono>
#include <cstddef>

#include "config/config.h"

namespace pensieve::api {

struct HttpLimits {
  std::size_t head_bytes = 64 * 1024;  // request line and headers
  std::size_t header_count = 128;
  std::size_t body_bytes = 32 * 1024 * 1024;
  std::size_t connections = 256;
  std::chrono::milliseconds head_time{10'000};   // first byte of a request to the end of its head
  std::chrono::milliseconds body_time{60'000};   // end of the head to the end of the body
  std::chrono::milliseconds idle_time{75'000};   // silence before a request's first byte
  std::chrono::milliseconds write_time{60'000};  // without a byte taken by the client
  std::chrono::milliseconds linger_time{2'000};  // unread bytes are dropped, so that the client
                                                 // sees the refusal and not a reset connection
};

// The limits that `config` asks for.
HttpLimits http_limits(const ServerConfig& config);

}  // namespace pensieve::api
