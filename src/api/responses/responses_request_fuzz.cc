// Any bytes as the body of POST /v1/responses: a request of sound text, or an error in JSON.
#include "api/fuzz_checks.h"
#include "api/responses/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pensieve;
  using namespace pensieve::api;
  const std::string kept = R"({"type":"message","role":"assistant","content":[{"type":"output_text","text":"kept"}]})";
  const std::vector<Message> conversation = {{.role = Role::kUser, .text = "before"}};
  const responses::Earlier earlier{.conversation = [&](std::string_view id) { return id == "resp_1" ? &conversation : nullptr; },
                                   .item = [&](std::string_view id) { return id == "msg_1" ? &kept : nullptr; }};
  const Result<responses::ParsedRequest> parsed = responses::parse_request({reinterpret_cast<const char*>(data), size}, earlier);
  if (!parsed) {
    if (parsed.error().code != ErrorCode::kNotFound) check_refusal(parsed.error(), ErrorShape::kOpenAi);
    return 0;
  }
  check_sound(parsed->generation);
  for (const responses::Item& item : parsed->input) require(parse_body(item.json).has_value());
  return 0;
}
