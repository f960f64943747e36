#include "net/transfer.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <format>
#include <memory>
#include <string_view>

namespace pensieve::net {
namespace {

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// What the callbacks share.
struct State {
  CURL* handle = nullptr;
  const TransferSinks* sinks = nullptr;
  TransferHead head;
  bool head_given = false;
  std::optional<Error> failure;
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y)); });
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// "bytes 0-1023/146515": where the body begins and how long the whole is.
void read_content_range(std::string_view value, TransferHead& head) {
  if (!value.starts_with("bytes ")) return;
  value.remove_prefix(6);
  const std::size_t dash = value.find('-');
  const std::size_t slash = value.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos) return;
  if (const auto first = number(value.substr(0, dash))) head.first_byte = *first;
  if (const auto total = number(value.substr(slash + 1))) head.total_bytes = *total;
}

// "\"<64 hexadecimal digits>\"" without its quotes; empty for any other tag.
std::string sha256_in(std::string_view tag) {
  if (tag.size() == 66 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, 64);
  const bool is_sum = tag.size() == 64 && tag.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return is_sum ? std::string(tag) : std::string();
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& state = *static_cast<State*>(user);
  std::string_view line(data, size * count);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // of a redirect, or the last one
    state.head = {.sha256 = std::move(state.head.sha256)};
    return size * count;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size * count;
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  if (equal_ignoring_case(name, "content-length")) state.head.body_bytes = number(value).value_or(-1);
  if (equal_ignoring_case(name, "content-range")) read_content_range(value, state.head);
  if (equal_ignoring_case(name, "etag")) state.head.etag = value;
  if (equal_ignoring_case(name, "x-linked-etag")) state.head.sha256 = sha256_in(value);
  return size * count;
}

Error status_error(long status, const std::string& url) {
  const std::string message = std::format("{} answers {}", url, status);
  switch (status) {
    case 404:
      return {ErrorCode::kNotFound, message, "check the name", ""};
    case 401:
      return {ErrorCode::kUnauthenticated, message, "set a token in the environment (HF_TOKEN)", ""};
    case 403:
      return {ErrorCode::kForbidden, message, "accept the model's terms on its page, or set a token (HF_TOKEN)", ""};
    case 416:
      return {ErrorCode::kIo, message, "the file changed; delete what is half downloaded", ""};
    default:
      return {ErrorCode::kIo, message, "try again later", ""};
  }
}

// False ends the transfer; the reason is in state.failure.
bool give_head(State& state) {
  if (state.head_given) return true;
  state.head_given = true;
  curl_easy_getinfo(state.handle, CURLINFO_RESPONSE_CODE, &state.head.status);
  if (state.head.status != 200 && state.head.status != 206) {
    char* url = nullptr;
    curl_easy_getinfo(state.handle, CURLINFO_EFFECTIVE_URL, &url);
    state.failure = status_error(state.head.status, url == nullptr ? "the server" : std::string(url).substr(0, 200));
    return false;
  }
  if (state.head.status == 200) state.head.total_bytes = state.head.body_bytes;
  if (!state.sinks->head) return true;
  if (Result<void> taken = state.sinks->head(state.head); !taken) {
    state.failure = taken.error();
    return false;
  }
  return true;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& state = *static_cast<State*>(user);
  if (!give_head(state)) return CURL_WRITEFUNC_ERROR;
  if (Result<void> taken = state.sinks->bytes({data, size * count}); !taken) {
    state.failure = taken.error();
    return CURL_WRITEFUNC_ERROR;
  }
  return size * count;
}

Error network_error(CURLcode code, const std::string& url) {
  const ErrorCode kind = code == CURLE_OPERATION_TIMEDOUT ? ErrorCode::kTimeout : ErrorCode::kIo;
  return {kind, std::format("{}: {}", url, curl_easy_strerror(code)),
          "check the network and try again; a download goes on where it stopped", ""};
}

void set_up(CURL* handle, const TransferRequest& request, State& state) {
  curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 8L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, 15L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, 30L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "pensieve");
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &state);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &state);
  if (request.range) curl_easy_setopt(handle, CURLOPT_RANGE, std::format("{}-{}", request.range->first, request.range->second).c_str());
  if (!request.bearer.empty()) {
    curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, request.bearer.c_str());
  }
}

}  // namespace

Result<TransferHead> transfer(const TransferRequest& request, const TransferSinks& sinks) {
  const std::unique_ptr<CURL, CurlDeleter> handle(curl_easy_init());
  if (!handle) return fail(ErrorCode::kInternal, "libcurl does not start");
  State state{.handle = handle.get(), .sinks = &sinks};
  set_up(handle.get(), request, state);
  const CURLcode code = curl_easy_perform(handle.get());
  if (state.failure) return std::unexpected(*state.failure);
  if (code != CURLE_OK) return std::unexpected(network_error(code, request.url));
  if (!give_head(state)) return std::unexpected(*state.failure);  // an empty body
  return state.head;
}

}  // namespace pensieve::net
