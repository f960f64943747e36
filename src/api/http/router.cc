#include "api/http/router.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <format>
#include <optional>

namespace pensieve::api {
namespace {

std::vector<std::string_view> segments(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/', 1);
    parts.push_back(path.substr(1, slash == std::string_view::npos ? slash : slash - 1));
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  return parts;
}

// What the pattern's `{...}` took of the path; empty optional if it does not match.
std::optional<std::vector<std::string>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string> parameters;
  const std::vector<std::string_view> wanted = segments(pattern);
  const std::vector<std::string_view> given = segments(path);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].starts_with('{') && wanted[i].ends_with("*}")) {
      // The rest, but for the pattern's segments that follow.
      const std::size_t after = wanted.size() - i - 1;
      if (given.size() < i + 1 + after) return std::nullopt;
      std::string rest(given[i]);
      for (std::size_t j = i + 1; j < given.size() - after; ++j) rest += "/" + std::string(given[j]);
      for (std::size_t j = 0; j < after; ++j) {
        if (wanted[i + 1 + j] != given[given.size() - after + j]) return std::nullopt;
      }
      if (rest.empty()) return std::nullopt;
      parameters.push_back(std::move(rest));
      return parameters;
    }
    if (i >= given.size()) return std::nullopt;
    if (wanted[i].starts_with('{')) {
      if (given[i].empty()) return std::nullopt;
      parameters.emplace_back(given[i]);
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return wanted.size() == given.size() ? std::optional(parameters) : std::nullopt;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  const auto found = headers.find(std::string(name));
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

Result<Target> parse_target(std::string_view target) {
  const auto url = boost::urls::parse_origin_form(target);
  if (!url) return fail(ErrorCode::kInvalidArgument, "the request target is not a valid path");
  Target parsed{.path = url->path(), .query = {}};
  for (const auto& parameter : url->params()) parsed.query[parameter.key] = parameter.value;
  return parsed;
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match result;
  for (const Route& route : routes_) {
    auto parameters = match(route.pattern, path);
    if (!parameters) continue;
    result.allowed.push_back(route.method);
    const bool same = route.method == method || (method == "HEAD" && route.method == "GET");
    if (same && result.route == nullptr) {
      result.route = &route;
      result.parameters = std::move(*parameters);
    }
  }
  return result;
}

}  // namespace pensieve::api
