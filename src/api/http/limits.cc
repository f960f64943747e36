#include "api/http/limits.h"

#include <algorithm>

namespace pensieve::api {

HttpLimits http_limits(const ServerConfig& config) {
  const auto seconds = [](std::int32_t value) { return std::chrono::milliseconds(std::chrono::seconds(std::max(value, 1))); };
  HttpLimits limits;
  limits.body_bytes = static_cast<std::size_t>(std::max<std::int64_t>(config.max_body_bytes, 0));
  limits.connections = static_cast<std::size_t>(std::max(config.max_connections, 1));
  limits.head_time = seconds(config.header_timeout_s);
  limits.body_time = seconds(config.body_timeout_s);
  limits.idle_time = seconds(config.idle_timeout_s);
  limits.write_time = seconds(config.write_timeout_s);
  return limits;
}

}  // namespace pensieve::api
