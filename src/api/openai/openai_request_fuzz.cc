// Any bytes as the body of OpenAI's endpoints: requests of sound text, or an error in JSON.
#include <cstdlib>

#include "api/fuzz_checks.h"
#include "api/openai/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pensieve;
  using namespace pensieve::api;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const auto parse : {openai::parse_chat_request, openai::parse_completion_request}) {
    const Result<openai::ParsedRequest> parsed = parse(body);
    if (!parsed) {
      check_refusal(parsed.error(), ErrorShape::kOpenAi);
      continue;
    }
    if (parsed->requests.empty() || parsed->requests.size() % parsed->per_prompt != 0) std::abort();
    for (const GenerationRequest& request : parsed->requests) check_sound(request);
  }
  return 0;
}
