#include "api/responses/request.h"

#include <format>

#include "api/adapter_field.h"
#include "api/openai/common_fields.h"

namespace pensieve::api::responses {
namespace {

Result<void> refuse_unsupported(const Fields& body) {
  if (TRY(body.boolean("background")).value_or(false)) {
    return openai::unsupported("background", "answers in the background are not supported", "use stream");
  }
  for (const char* name : {"conversation", "prompt"}) {
    if (body.find(name)) return openai::unsupported(name, "is not supported", "use previous_response_id, or send the whole input");
  }
  return {};
}

// The field as it came, if it is of the type that it has to be.
Result<void> echo(const Fields& body, const char* name, bool (*fits)(const Json&), std::string_view must, std::string& out) {
  const Json* value = body.find(name);
  if (value == nullptr) return {};
  if (!fits(*value)) return body.wrong(name, must);
  out = to_json_text(*value);
  return {};
}

Result<void> parse_metadata(const Fields& body, EchoedFields& echoed) {
  const Json* value = body.find("metadata");
  if (value == nullptr) return {};
  if (!value->is_object()) return body.wrong("metadata", "must be an object");
  const Json::object_t& entries = value->get_object();
  if (entries.size() > 16) return body.wrong("metadata", "more than 16 entries");
  for (const auto& [key, entry] : entries) {
    if (!entry.is_string()) return body.wrong("metadata", "values must be strings");
    if (key.size() > 64 || entry.get_string().size() > 4 * 512)
      return body.wrong("metadata", "keys have up to 64, values up to 512 characters");
  }
  echoed.metadata = to_json_text(*value);
  return {};
}

Result<void> parse_echoed(const Fields& body, EchoedFields& echoed) {
  const auto text = [](const Json& value) { return value.is_string(); };
  const auto object = [](const Json& value) { return value.is_object(); };
  TRY_VOID(echo(
      body, "instructions", [](const Json& value) { return value.is_string() || value.is_array(); }, "must be a string",
      echoed.instructions));
  TRY_VOID(echo(body, "prompt_cache_key", text, "must be a string", echoed.prompt_cache_key));
  TRY_VOID(echo(body, "safety_identifier", text, "must be a string", echoed.safety_identifier));
  TRY_VOID(echo(body, "user", text, "must be a string", echoed.user));
  TRY_VOID(echo(body, "reasoning", object, "must be an object", echoed.reasoning));
  TRY_VOID(echo(body, "truncation", text, "must be a string", echoed.truncation));
  if (echoed.truncation != R"("disabled")" && echoed.truncation != R"("auto")") return body.wrong("truncation", "must be auto or disabled");
  return parse_metadata(body, echoed);
}

// "none" and "minimal" turn thinking off where a model has a switch for it.
Result<void> parse_reasoning(const Fields& body, GenerationRequest& request) {
  const Json* reasoning = body.find("reasoning");
  if (reasoning == nullptr) return {};
  const Fields fields = TRY(Fields::of(*reasoning, "reasoning"));
  if (const auto effort = TRY(fields.text("effort"))) request.thinking = *effort != "none" && *effort != "minimal";
  return {};
}

Result<void> parse_logprobs(const Fields& body, ParsedRequest& parsed) {
  const auto top = TRY(body.integer("top_logprobs", 0, 20));
  const Json::array_t* include = TRY(body.array("include"));
  for (std::size_t i = 0; include != nullptr && i < include->size(); ++i) {
    const Json& one = (*include)[i];
    if (one.is_string() && one.get_string() == "message.output_text.logprobs") parsed.logprobs = true;
  }
  parsed.logprobs = parsed.logprobs || top.value_or(0) > 0;
  if (parsed.logprobs) parsed.generation.top_logprobs = static_cast<std::int32_t>(top.value_or(0));
  return {};
}

}  // namespace

Result<ParsedRequest> parse_request(std::string_view text, const Earlier& earlier) {
  const Json json = TRY(parse_body(text));
  const Fields body = TRY(Fields::of(json, ""));
  ParsedRequest parsed;
  GenerationRequest& request = parsed.generation;
  request.model = TRY(body.required_text("model"));
  TRY_VOID(refuse_unsupported(body));
  TRY_VOID(parse_echoed(body, parsed.echoed));
  if (const auto instructions = TRY(body.text("instructions")); instructions && !instructions->empty()) {
    request.messages.push_back({.role = Role::kSystem, .text = *instructions});
    parsed.instructed = true;
  }
  if (const auto previous = TRY(body.text("previous_response_id"))) {
    const std::vector<Message>* messages = earlier.conversation(*previous);
    if (messages == nullptr) {
      return fail(ErrorCode::kNotFound, std::format("previous_response_id: no response '{}' is kept", previous->substr(0, 100)),
                  "send the whole conversation as input", "previous_response_id");
    }
    request.messages.insert(request.messages.end(), messages->begin(), messages->end());
    parsed.echoed.previous_response_id = json_string(*previous);
  }
  TRY_VOID(parse_input(body, earlier, parsed));
  TRY_VOID(parse_tools(body, parsed));
  TRY_VOID(parse_format(body, parsed));
  TRY_VOID(parse_reasoning(body, request));
  TRY_VOID(parse_logprobs(body, parsed));
  TRY_VOID(openai::parse_sampling(body, request));
  TRY_VOID(parse_adapters(body, request));
  request.max_tokens = TRY(body.integer("max_output_tokens", 1, std::int64_t{1} << 40));
  if (request.max_tokens) parsed.echoed.max_output_tokens = std::to_string(*request.max_tokens);
  parsed.stream = TRY(body.boolean("stream")).value_or(false);
  parsed.store = TRY(body.boolean("store")).value_or(true);
  return parsed;
}

}  // namespace pensieve::api::responses
