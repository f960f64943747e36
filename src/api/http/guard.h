// Who may call: Host, Origin and API key. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace pensieve::api {

// True for a Host header that cannot be a rebound DNS name: loopback names, any IP address, the
// configured host and allowed_hosts; with any port.
bool host_allowed(std::string_view host_header, const ServerConfig& config);

// True for web origins that may call: loopback ones, desktop applications' own schemes and
// allowed_origins. "null" (sandboxed pages) only if all are allowed.
bool origin_allowed(std::string_view origin, const ServerConfig& config);

// True if no key is configured, or the request carries one: `authorization` as "Bearer KEY" (scheme
// in any case) or `x_api_key`. Takes the same time whatever the key.
bool key_allowed(std::string_view authorization, std::string_view x_api_key, const ServerConfig& config);

// True for 127.0.0.0/8, ::1 and localhost.
bool is_loopback(std::string_view host);

}  // namespace pensieve::api
