// Raw bytes through what stands between a socket and a handler: the parser with the server's
// settings, then target, Host, Origin, route and key. The first byte says into how large pieces the
// rest is cut.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "api/http/admission.h"
#include "api/http/request_parser.h"

namespace {

using namespace pensieve;
using namespace pensieve::api;

Route route(const char* method, const char* pattern) {
  Route result;
  result.method = method;
  result.pattern = pattern;
  return result;
}

const Gate& gate() {
  static const Gate gate{Guard(ServerConfig{}), ApiKeys::parse({hash_api_key("secret")}).value(),
                         Router({route("GET", "/health"), route("POST", "/v1/messages"), route("GET", "/v1/models/{id}"),
                                 route("POST", "/pensieve/v1/models/{id*}/load")})};
  return gate;
}

HttpLimits limits() {
  HttpLimits limits;
  limits.head_bytes = 4096;
  limits.body_bytes = 1024;
  return limits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] + 1U;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  RequestParser parser(limits());
  std::string input;
  while (!parser.head() || !parser.done()) {
    const bool had_head = parser.head().has_value();
    const auto consumed = had_head ? parser.feed_body(input) : parser.feed_head(input);
    if (!consumed) return 0;
    if (*consumed > input.size()) std::abort();
    input.erase(0, *consumed);
    if (!had_head && parser.head()) {
      admit(gate(), *parser.head(), "req_fuzz");
      if (!parser.check_declared_body()) return 0;
      continue;
    }
    if (parser.head() && parser.done()) break;
    if (bytes.empty()) return 0;
    input += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  if (parser.take_body().size() > limits().body_bytes) std::abort();
  return 0;
}
