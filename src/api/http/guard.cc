#include "api/http/guard.h"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cctype>

#include "base/sha256.h"

namespace pensieve::api {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// "example.com:80" -> "example.com", "[::1]:80" -> "::1".
std::string without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? std::string() : lower(host.substr(1, end - 1));
  }
  return lower(host.substr(0, host.find(':')));
}

bool is_address(const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

}  // namespace

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(host), error);
  return !error && address.is_loopback();
}

bool host_allowed(std::string_view host_header, const ServerConfig& config) {
  const std::string host = without_port(host_header);
  if (host.empty()) return false;
  if (is_loopback(host) || is_address(host) || host == lower(config.host)) return true;
  return std::ranges::any_of(config.allowed_hosts, [&](const std::string& allowed) {
    return allowed == "*" || lower(allowed) == host;
  });
}

bool origin_allowed(std::string_view origin, const ServerConfig& config) {
  const std::string text = lower(origin);
  for (const std::string& allowed : config.allowed_origins) {
    if (allowed == "*" || lower(allowed) == text) return true;
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string::npos) return false;
  const std::string_view scheme = std::string_view(text).substr(0, colon);
  // No web page can have these origins; they are desktop applications.
  constexpr auto kApplications = std::to_array<std::string_view>({"app", "tauri", "file", "vscode-webview", "vscode-file"});
  if (std::ranges::find(kApplications, scheme) != kApplications.end()) return true;
  if (scheme != "http" && scheme != "https") return false;
  return is_loopback(without_port(std::string_view(text).substr(colon + 3)));
}

bool key_allowed(std::string_view authorization, std::string_view x_api_key, const ServerConfig& config) {
  if (config.api_key_hashes.empty()) return true;
  constexpr std::string_view kBearer = "bearer ";
  std::string_view bearer;
  if (lower(authorization.substr(0, kBearer.size())) == kBearer) {
    bearer = authorization.substr(kBearer.size());
    bearer.remove_prefix(std::min(bearer.find_first_not_of(' '), bearer.size()));
  }
  bool allowed = false;
  for (const std::string_view key : {bearer, x_api_key}) {
    const std::string hash = "sha256:" + sha256_hex(key);
    // All are compared, so that time tells nothing of which one matched.
    for (const std::string& known : config.api_key_hashes) allowed |= equal_in_constant_time(hash, known);
  }
  return allowed;
}

}  // namespace pensieve::api
