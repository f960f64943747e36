#include "client/http_client.h"

#include <curl/curl.h>

#include <cstdlib>
#include <format>
#include <memory>

#include "client/sse_parser.h"

namespace pensieve {
namespace {

struct CurlDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Sink = std::function<void(std::string_view)>;

std::size_t on_bytes(char* data, std::size_t size, std::size_t count, void* sink) {
  (*static_cast<Sink*>(sink))({data, size * count});
  return size * count;
}

Result<long> perform(const std::string& url, const std::string& body, std::chrono::seconds timeout, Sink sink) {
  const std::unique_ptr<CURL, CurlDeleter> curl(curl_easy_init());
  std::unique_ptr<curl_slist, ListDeleter> headers(curl_slist_append(nullptr, "Content-Type: application/json"));
  if (const char* key = std::getenv("PENSIEVE_API_KEY"); key != nullptr && *key != '\0') {
    headers.reset(curl_slist_append(headers.release(), std::format("x-api-key: {}", key).c_str()));
  }
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, static_cast<long>(timeout.count()));
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &sink);
  if (!body.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) {
    return fail(ErrorCode::kUnavailable, std::format("the server at {} does not answer: {}", url, curl_easy_strerror(code)),
                "start it with `pensieve start`");
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

}  // namespace

Result<HttpAnswer> http_call(const std::string& url, const std::string& body, std::chrono::seconds timeout) {
  HttpAnswer answer;
  answer.status = TRY(perform(url, body, timeout, [&](std::string_view bytes) { answer.body += bytes; }));
  return answer;
}

Result<void> http_stream(const std::string& url, const std::string& body, const std::function<void(std::string_view)>& on_data) {
  SseParser parser(on_data);
  std::string start;
  const long status = TRY(perform(url, body, std::chrono::seconds(0), [&](std::string_view bytes) {
    if (start.size() < 64 * 1024) start += bytes;
    parser.push(bytes);
  }));
  if (status == 200) return {};
  return fail(ErrorCode::kUnavailable, std::format("the server answered {}: {}", status, start));
}

}  // namespace pensieve
