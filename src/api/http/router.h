// Which route answers a request.
//
// A pattern is a path whose segments are literal, `{name}` (any one segment) or `{name*}` (one or
// more segments; also written `{name...}`; at most one in a pattern). Literal segments win over
// `{name}`, which wins over `{name*}`. GET routes answer HEAD too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http/exchange.h"

namespace pensieve::api {

struct RouteMatch {
  const Route* route = nullptr;         // null: no route for this path and method
  std::vector<std::string> parameters;  // of the route, in order
  std::string allow;                    // methods of the path for `Allow`; empty: no route knows the path
};

class Router {
 public:
  // Takes the routes; they live as long as the router.
  explicit Router(std::vector<Route> routes);

  // Finds the route for a path given as decoded segments.
  [[nodiscard]] RouteMatch match(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  struct Entry {
    Route route;
    std::vector<std::string> pattern;
  };
  std::vector<Entry> entries_;  // most specific first
};

// In which shape a fault of this request is told: the route's, or for a path without a route, that
// of the API to which the path belongs. Paths of both APIs (/v1/models) follow the header
// anthropic-version.
ErrorShape error_shape(const Route* route, std::string_view path, bool has_anthropic_version);

}  // namespace pensieve::api
