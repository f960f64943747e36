#include "api/http/guard.h"

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/url.hpp>
#include <format>
#include <optional>

namespace pensieve::api {
namespace {

std::string lower(std::string_view text) { return boost::algorithm::to_lower_copy(std::string(text)); }

std::optional<boost::asio::ip::address> as_address(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return error ? std::nullopt : std::optional(address);
}

// The host of "host[:port]" in lower case, without port, brackets or the root's dot; empty if it is
// malformed.
std::string host_name(std::string_view host_and_port) {
  const auto parsed = boost::urls::parse_authority(host_and_port);
  if (!parsed || parsed->has_userinfo() || parsed->host().empty()) return {};
  std::string name = lower(parsed->host());
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  return name;
}

// The same for a configured host, where an IPv6 address stands without brackets.
std::string configured_name(const std::string& host) {
  const auto address = as_address(host);
  return address ? lower(address->to_string()) : host_name(host);
}

struct WebOrigin {
  std::string scheme;
  std::string host;           // without port
  std::string host_and_port;  // as written
};

std::optional<WebOrigin> parse_origin(std::string_view origin) {
  const std::size_t separator = origin.find("://");
  if (separator == std::string_view::npos) return {};
  const std::string_view authority = origin.substr(separator + 3);
  std::string host = host_name(authority);
  if (host.empty()) return {};
  return WebOrigin{lower(origin.substr(0, separator)), std::move(host), lower(authority)};
}

Fault forbidden(std::string message, std::string advice) {
  return {403, {ErrorCode::kForbidden, std::move(message), std::move(advice), {}}};
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  const std::string name = lower(host);
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  const auto address = as_address(name);
  return address && address->is_loopback();
}

Guard::Guard(const ServerConfig& config) {
  const auto bound = as_address(config.host);
  any_address_ = bound && bound->is_unspecified();
  hosts_.push_back(configured_name(config.host));
  for (const std::string& host : config.allowed_hosts) hosts_.push_back(configured_name(host));
  std::erase(hosts_, "");
  for (const std::string& origin : config.allowed_origins) origins_.push_back(lower(origin));
}

std::expected<void, Fault> Guard::check_host(std::string_view host) const {
  if (host.empty()) return {};
  const std::string name = host_name(host);
  if (name.empty()) {
    return std::unexpected(Fault{400, {ErrorCode::kInvalidArgument, "the Host header is not a host and port", {}, {}}});
  }
  if (is_loopback_host(name) || std::ranges::contains(hosts_, name)) return {};
  if (any_address_ && as_address(name)) return {};
  return std::unexpected(forbidden(std::format("this server does not answer to the host name '{}'", name),
                                   "add the name to server.allowed_hosts if it is yours"));
}

std::expected<void, Fault> Guard::check_origin(std::string_view origin, std::string_view host) const {
  if (origin.empty() || std::ranges::contains(origins_, lower(origin))) return {};
  if (const auto web = parse_origin(origin)) {
    const bool http = web->scheme == "http" || web->scheme == "https";
    if (http && (is_loopback_host(web->host) || web->host_and_port == lower(host))) return {};
    if (std::ranges::contains(origins_, "*")) return {};
  }
  return std::unexpected(
      forbidden("web pages of this origin may not use this server", "add the origin to server.allowed_origins if you trust it"));
}

Headers cors_headers(std::string_view origin) {
  if (origin.empty()) return {};
  return {{"Access-Control-Allow-Origin", std::string(origin)},
          {"Vary", "Origin"},
          {"Access-Control-Expose-Headers",
           "request-id, x-request-id, retry-after, x-pensieve-model, x-pensieve-decision, "
           "x-pensieve-degraded"}};
}

Headers preflight_headers(std::string_view allow, std::string_view requested_headers) {
  Headers headers{{"Access-Control-Allow-Methods", std::string(allow)}, {"Access-Control-Max-Age", "600"}};
  if (!requested_headers.empty()) {
    headers.emplace_back("Access-Control-Allow-Headers", std::string(requested_headers));
  }
  return headers;
}

}  // namespace pensieve::api
