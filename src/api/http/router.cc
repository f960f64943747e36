#include "api/http/router.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

namespace pensieve::api {
namespace {

std::vector<std::string> split_pattern(std::string_view pattern) {
  std::vector<std::string> segments;
  while (!pattern.empty()) {
    const std::size_t slash = pattern.find('/');
    if (slash != 0) segments.emplace_back(pattern.substr(0, slash));
    pattern = slash == std::string_view::npos ? std::string_view{} : pattern.substr(slash + 1);
  }
  return segments;
}

bool is_parameter(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }

bool is_rest(std::string_view segment) { return is_parameter(segment) && (segment.ends_with("*}") || segment.ends_with("...}")); }

// Fewer is more specific.
std::tuple<std::ptrdiff_t, std::ptrdiff_t> looseness(const std::vector<std::string>& pattern) {
  return {std::ranges::count_if(pattern, is_rest), std::ranges::count_if(pattern, is_parameter)};
}

// What the pattern's parameters are in `path`; empty if it does not match.
std::optional<std::vector<std::string>> parameters_in(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  const bool has_rest = std::ranges::any_of(pattern, is_rest);
  if (has_rest ? path.size() < pattern.size() : path.size() != pattern.size()) return {};
  std::vector<std::string> parameters;
  std::size_t at = 0;
  for (const std::string& segment : pattern) {
    if (is_rest(segment)) {
      const std::size_t end = at + path.size() - pattern.size() + 1;
      std::string rest = path[at++];
      while (at < end) rest += '/' + path[at++];
      parameters.push_back(std::move(rest));
    } else if (is_parameter(segment)) {
      parameters.push_back(path[at++]);
    } else if (segment != path[at++]) {
      return {};
    }
  }
  return parameters;
}

std::string join(const std::set<std::string>& methods) {
  std::string text;
  for (const std::string& method : methods) text += (text.empty() ? "" : ", ") + method;
  return text;
}

}  // namespace

Router::Router(std::vector<Route> routes) {
  for (Route& route : routes) {
    std::vector<std::string> pattern = split_pattern(route.pattern);
    entries_.push_back({std::move(route), std::move(pattern)});
  }
  std::ranges::stable_sort(entries_, {}, [](const Entry& entry) { return looseness(entry.pattern); });
}

RouteMatch Router::match(std::string_view method, const std::vector<std::string>& segments) const {
  RouteMatch match;
  std::set<std::string> allowed;
  const auto find = [&](std::string_view wanted) {
    for (const Entry& entry : entries_) {
      std::optional<std::vector<std::string>> parameters = parameters_in(entry.pattern, segments);
      if (!parameters) continue;
      allowed.insert(entry.route.method);
      if (match.route != nullptr || entry.route.method != wanted) continue;
      match.route = &entry.route;
      match.parameters = std::move(*parameters);
    }
  };
  find(method);
  if (match.route == nullptr && method == "HEAD") find("GET");
  if (allowed.empty()) return match;
  if (allowed.contains("GET")) allowed.insert("HEAD");
  allowed.insert("OPTIONS");
  match.allow = join(allowed);
  return match;
}

ErrorShape error_shape(const Route* route, std::string_view path, bool has_anthropic_version) {
  const ErrorShape shape = route != nullptr                            ? route->errors
                           : path.starts_with("/v1/messages")          ? ErrorShape::kAnthropic
                           : path.starts_with("/api/")                 ? ErrorShape::kOllama
                           : path == "/v1" || path.starts_with("/v1/") ? ErrorShape::kOpenAi
                                                                       : ErrorShape::kPlain;
  return shape == ErrorShape::kOpenAi && has_anthropic_version ? ErrorShape::kAnthropic : shape;
}

}  // namespace pensieve::api
