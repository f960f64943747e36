#include "client/http_client.h"

#include <curl/curl.h>

#include <cstdlib>
#include <format>
#include <glaze/glaze.hpp>
#include <memory>

#include "client/sse_parser.h"

namespace pensieve {
namespace error_wire {  // glaze reads the names of fields only of types with linkage

struct Problem {
  std::string message;
  std::string advice;
};

struct Body {
  Problem error;
};

}  // namespace error_wire
namespace {

constexpr std::size_t kMostErrorBytes = 64 * 1024;

struct CurlDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Sink = std::function<void(std::string_view)>;

struct Call {
  const std::string& url;
  const std::string& body;
  std::chrono::seconds timeout;
  Sink sink;
  std::function<bool()> stopped;
};

std::size_t on_bytes(char* data, std::size_t size, std::size_t count, void* call) {
  static_cast<Call*>(call)->sink({data, size * count});
  return size * count;
}

int on_progress(void* call, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& stopped = static_cast<Call*>(call)->stopped;
  return stopped && stopped() ? 1 : 0;
}

// The status; 0 if the call was stopped.
Result<long> perform(Call call) {
  const std::unique_ptr<CURL, CurlDeleter> curl(curl_easy_init());
  std::unique_ptr<curl_slist, ListDeleter> headers(curl_slist_append(nullptr, "Content-Type: application/json"));
  if (const char* key = std::getenv("PENSIEVE_API_KEY"); key != nullptr && *key != '\0') {
    headers.reset(curl_slist_append(headers.release(), std::format("x-api-key: {}", key).c_str()));
  }
  curl_easy_setopt(curl.get(), CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, static_cast<long>(call.timeout.count()));
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &call);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &call);
  if (!call.body.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, call.body.c_str());
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_ABORTED_BY_CALLBACK) return 0;
  if (code != CURLE_OK) {
    return fail(ErrorCode::kUnavailable, std::format("the server at {} does not answer: {}", call.url, curl_easy_strerror(code)),
                "`pensieve doctor` finds the cause; `pensieve start` starts a server");
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

}  // namespace

Error server_error(long status, const std::string& body) {
  error_wire::Body parsed;
  constexpr glz::opts kOptions{.error_on_unknown_keys = false};
  const bool told = !glz::read<kOptions>(parsed, body) && !parsed.error.message.empty();
  Error error{ErrorCode::kUnavailable, told ? parsed.error.message : std::format("the server answered {}", status),
              told ? parsed.error.advice : "", ""};
  if (status == 401) {
    error.code = ErrorCode::kUnauthenticated;
    error.advice = "set PENSIEVE_API_KEY to one of the server's keys";
  } else if (status == 404) {
    error.code = ErrorCode::kNotFound;
  } else if (status == 400) {
    error.code = ErrorCode::kInvalidArgument;
  }
  return error;
}

Result<std::string> http_call(const std::string& url, const std::string& body, std::chrono::seconds timeout) {
  std::string answer;
  const long status = TRY(perform({url, body, timeout, [&](std::string_view bytes) { answer += bytes; }, nullptr}));
  if (status == 200) return answer;
  return std::unexpected(server_error(status, answer));
}

Result<void> http_stream(const std::string& url, const std::string& body, const std::function<void(std::string_view)>& on_data,
                         const std::function<bool()>& stopped) {
  SseParser parser(on_data);
  std::string start;
  const auto sink = [&](std::string_view bytes) {
    if (start.size() < kMostErrorBytes) start += bytes;
    parser.push(bytes);
  };
  const long status = TRY(perform({url, body, std::chrono::seconds(0), sink, stopped}));
  if (status == 200 || status == 0) return {};
  return std::unexpected(server_error(status, start));
}

}  // namespace pensieve
