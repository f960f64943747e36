// Any bytes as the body of /api/chat and /api/generate: a request of sound text, or an error in JSON.
#include "api/fuzz_checks.h"
#include "api/ollama/conversation_context.h"
#include "api/ollama/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pensieve;
  using namespace pensieve::api;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const auto parse : {ollama::parse_chat_request, ollama::parse_generate_request}) {
    const Result<ollama::ParsedRequest> parsed = parse(body);
    if (!parsed) {
      check_refusal(parsed.error(), ErrorShape::kOllama);
      continue;
    }
    if (parsed->only_load) continue;
    check_sound(parsed->generation);
    if (parsed->chat || parsed->raw) continue;
    // What came in as a context goes out as one.
    const Result<Json> context = parse_body(R"({"c":)" + ollama::encode_context(parsed->generation.messages) + "}");
    require(context.has_value());
    require(ollama::decode_context(context->get_object().begin()->second.get_array()).has_value());
  }
  return 0;
}
