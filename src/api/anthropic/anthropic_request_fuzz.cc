// Any bytes as the body of POST /v1/messages: a request of sound text, or an error in JSON.
#include <cstdlib>

#include "api/anthropic/request.h"
#include "api/fuzz_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pensieve;
  using namespace pensieve::api;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const bool counting : {false, true}) {
    const Result<anthropic::MessagesRequest> request = anthropic::parse_messages_request(body, counting);
    if (!request) {
      check_refusal(request.error(), ErrorShape::kAnthropic);
      continue;
    }
    check_sound(request->generation);
    if (!counting && !request->generation.max_tokens) std::abort();
  }
  return 0;
}
