// Which names the server answers to, and which web pages may talk to it.
//
// A browser lets any page send requests to a local server. Two checks keep foreign pages out: the
// Host must be a name of this server (else a page whose name was rebound to 127.0.0.1 gets in), and
// an Origin, where the browser sends one, must be this server, a loopback page or a configured one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http/fault.h"
#include "config/config.h"

namespace pensieve::api {

class Guard {
 public:
  explicit Guard(const ServerConfig& config);

  // Refuses a Host (with or without port) that is not a loopback name or address, the bound host or
  // a configured one; with 400 if it is no host at all, else 403. A server bound to a wildcard
  // address answers to any address, for those can't be rebound. A missing Host ("") passes: only
  // HTTP/1.0 may leave it out, and no browser does.
  [[nodiscard]] std::expected<void, Fault> check_host(std::string_view host) const;

  // Refuses an Origin, with 403, that is neither loopback, configured, nor `host` itself. An empty
  // origin passes: the request comes from no web page. "null" passes only if configured by name.
  [[nodiscard]] std::expected<void, Fault> check_origin(std::string_view origin, std::string_view host) const;

 private:
  std::vector<std::string> hosts_;    // lower case, without port
  std::vector<std::string> origins_;  // lower case
  bool any_address_;
};

// True for "localhost", names below it, 127.0.0.0/8 and ::1 (with or without brackets).
bool is_loopback_host(std::string_view host);

// Headers that let the page `origin` read the answer; none for an empty origin. Only for origins
// that passed.
Headers cors_headers(std::string_view origin);

// Headers of the answer to a preflight: what the page asks for is allowed.
Headers preflight_headers(std::string_view allow, std::string_view requested_headers);

}  // namespace pensieve::api
