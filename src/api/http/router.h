// From method and target to the route that answers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http/exchange.h"

namespace pensieve::api {

// A request target cut up: decoded path and query.
struct Target {
  std::string path;
  std::map<std::string, std::string> query;
};

// Error kInvalidArgument for what is no origin-form target.
Result<Target> parse_target(std::string_view target);

class Router {
 public:
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

  struct Match {
    const Route* route = nullptr;           // null: no route
    std::vector<std::string> parameters;
    std::vector<std::string> allowed;       // methods of the path, if it is known at all
  };
  // HEAD is answered by GET's route.
  [[nodiscard]] Match find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace pensieve::api
