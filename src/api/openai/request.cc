#include "api/openai/request.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <format>

#include "api/json_value.h"

namespace pensieve::api::openai {
namespace {

constexpr int kMaxChoices = 8;
constexpr std::size_t kMaxPrompts = 32;
constexpr std::size_t kMaxStops = 16;  // OpenAI allows 4; local clients send more

Result<std::string> parts_text(const Fields& message) {
  const Json* content = message.find("content");
  if (content == nullptr) return std::string();
  if (content->is_string()) return content->get_string();
  const Json::array_t* parts = TRY(message.array("content"));
  std::string text;
  for (std::size_t i = 0; i < parts->size(); ++i) {
    const Fields part = TRY(Fields::of((*parts)[i], std::format("{}[{}]", message.path("content"), i)));
    const std::string type = TRY(part.required_text("type"));
    if (type == "text" || type == "input_text" || type == "refusal") {
      text += TRY(part.required_text(type == "refusal" ? "refusal" : "text"));
    } else if (type == "image_url" || type == "input_audio" || type == "file" || type == "input_image") {
      return fail(ErrorCode::kUnsupported, std::format("{}: '{}' is not supported by this model", part.path("type"), type),
                  "send text only", part.path("type"));
    } else {
      return part.wrong("type", std::format("'{}' is not a type of content", type));
    }
  }
  return text;
}

Result<Role> role_of(const Fields& message) {
  const std::string role = TRY(message.required_text("role"));
  if (role == "system" || role == "developer") return Role::kSystem;
  if (role == "user") return Role::kUser;
  if (role == "assistant") return Role::kAssistant;
  if (role == "tool" || role == "function") return Role::kTool;
  return message.wrong("role", std::format("'{}' is not one of system, developer, user, assistant, tool", role));
}

Result<void> add_tool_calls(const Fields& fields, Message& message) {
  const Json::array_t* calls = TRY(fields.array("tool_calls"));
  for (std::size_t i = 0; calls != nullptr && i < calls->size(); ++i) {
    const Fields call = TRY(Fields::of((*calls)[i], std::format("{}[{}]", fields.path("tool_calls"), i)));
    const Json* function = call.find("function");
    if (function == nullptr) return call.wrong("function", "is required");
    const Fields details = TRY(Fields::of(*function, call.path("function")));
    message.tool_calls.push_back({TRY(call.text("id")).value_or(""), TRY(details.required_text("name")),
                                  TRY(details.text("arguments")).value_or("{}")});
  }
  return {};
}

Result<void> parse_messages(const Fields& body, GenerationRequest& request) {
  const Json::array_t* messages = TRY(body.array("messages"));
  if (messages == nullptr) return body.wrong("messages", "is required");
  if (messages->empty()) return body.wrong("messages", "must hold at least one message");
  for (std::size_t i = 0; i < messages->size(); ++i) {
    const Fields fields = TRY(Fields::of((*messages)[i], std::format("messages[{}]", i)));
    Message message{.role = TRY(role_of(fields))};
    message.text = TRY(parts_text(fields));
    TRY_VOID(add_tool_calls(fields, message));
    message.tool_call_id = TRY(fields.text("tool_call_id")).value_or("");
    message.tool_name = TRY(fields.text("name")).value_or("");
    message.reasoning = TRY(fields.text("reasoning_content")).value_or("");
    if (message.role == Role::kUser && fields.find("content") == nullptr) return fields.wrong("content", "is required");
    request.messages.push_back(std::move(message));
  }
  return {};
}

Result<void> parse_tools(const Fields& body, GenerationRequest& request) {
  const Json::array_t* tools = TRY(body.array("tools"));
  for (std::size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    const Fields tool = TRY(Fields::of((*tools)[i], std::format("tools[{}]", i)));
    if (TRY(tool.required_text("type")) != "function") continue;
    const Json* function = tool.find("function");
    if (function == nullptr) return tool.wrong("function", "is required");
    const Fields details = TRY(Fields::of(*function, tool.path("function")));
    const Json* schema = details.find("parameters");
    if (schema != nullptr && !schema->is_object()) return details.wrong("parameters", "must be an object");
    request.tools.push_back({TRY(details.required_text("name")), TRY(details.text("description")).value_or(""),
                             schema ? to_json_text(*schema) : R"({"type":"object","properties":{}})"});
  }
  request.parallel_tool_calls = TRY(body.boolean("parallel_tool_calls")).value_or(true);
  const Json* choice = body.find("tool_choice");
  if (choice == nullptr) return {};
  if (choice->is_string()) {
    const std::string& mode = choice->get_string();
    if (mode == "auto") request.tool_choice = ToolChoice::kAuto;
    else if (mode == "none") request.tool_choice = ToolChoice::kNone;
    else if (mode == "required") request.tool_choice = ToolChoice::kRequired;
    else return body.wrong("tool_choice", "must be auto, none, required or a function");
  } else {
    const Fields fields = TRY(Fields::of(*choice, "tool_choice"));
    const Json* function = fields.find("function");
    if (function == nullptr) return fields.wrong("function", "is required");
    request.tool_choice = ToolChoice::kNamed;
    const Fields named = TRY(Fields::of(*function, "tool_choice.function"));
    request.tool_choice_name = TRY(named.required_text("name"));
    if (std::ranges::find(request.tools, request.tool_choice_name, &ToolDefinition::name) == request.tools.end()) {
      return fields.wrong("function", std::format("there is no tool '{}'", request.tool_choice_name));
    }
  }
  if (request.tool_choice == ToolChoice::kRequired && request.tools.empty()) return body.wrong("tool_choice", "may only be given with tools");
  return {};
}

Result<void> parse_stop(const Fields& body, GenerationRequest& request) {
  const Json* stop = body.find("stop");
  if (stop == nullptr) return {};
  if (stop->is_string()) {
    request.stop = {stop->get_string()};
  } else {
    const Json::array_t* stops = TRY(body.array("stop"));
    if (stops->size() > kMaxStops) return body.wrong("stop", std::format("more than {} sequences", kMaxStops));
    for (const Json& one : *stops) {
      if (!one.is_string()) return body.wrong("stop", "must be a string or an array of strings");
      request.stop.push_back(one.get_string());
    }
  }
  std::erase(request.stop, "");
  return {};
}

Result<void> parse_logit_bias(const Fields& body, Sampling& sampling) {
  const Json* bias = body.find("logit_bias");
  if (bias == nullptr) return {};
  if (!bias->is_object()) return body.wrong("logit_bias", "must be an object");
  for (const auto& [key, value] : bias->get_object()) {
    std::int32_t token = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), token);
    if (error != std::errc{} || end != key.data() + key.size() || token < 0) return body.wrong("logit_bias", "keys must be token ids");
    if (!value.is_number() || !(std::abs(value.get_number()) <= 100)) return body.wrong("logit_bias", "values must be numbers from -100 to 100");
    sampling.logit_bias.push_back({token, static_cast<float>(value.get_number())});
  }
  return {};
}

Result<void> parse_sampling(const Fields& body, GenerationRequest& request) {
  Sampling& sampling = request.sampling;
  sampling.temperature = static_cast<float>(TRY(body.number("temperature", 0, 2)).value_or(1));
  sampling.top_p = static_cast<float>(TRY(body.number("top_p", 0, 1)).value_or(1));
  sampling.top_k = static_cast<std::int32_t>(TRY(body.integer("top_k", 0, 1'000'000'000)).value_or(0));
  sampling.min_p = static_cast<float>(TRY(body.number("min_p", 0, 1)).value_or(0));
  sampling.repetition_penalty = static_cast<float>(TRY(body.number("repetition_penalty", 0.01, 10)).value_or(1));
  sampling.frequency_penalty = static_cast<float>(TRY(body.number("frequency_penalty", -2, 2)).value_or(0));
  sampling.presence_penalty = static_cast<float>(TRY(body.number("presence_penalty", -2, 2)).value_or(0));
  if (const auto seed = TRY(body.integer("seed", -(std::int64_t{1} << 53), std::int64_t{1} << 53))) {
    sampling.seed = static_cast<std::uint32_t>(*seed);
  }
  return parse_logit_bias(body, sampling);
}

// Structured output needs a grammar in the sampler; a request for it is refused rather than ignored.
Result<void> check_format(const Fields& body) {
  const Json* format = body.find("response_format");
  if (format == nullptr) return {};
  const Fields fields = TRY(Fields::of(*format, "response_format"));
  const std::string type = TRY(fields.required_text("type"));
  if (type == "text") return {};
  return fail(ErrorCode::kUnsupported, std::format("response_format: '{}' is not supported", type), "leave it out, and say in the prompt what form you want",
              "response_format");
}

struct Streaming {
  bool stream = false;
  bool include_usage = false;
};

Result<Streaming> parse_streaming(const Fields& body) {
  Streaming result{.stream = TRY(body.boolean("stream")).value_or(false)};
  if (const Json* options = body.find("stream_options")) {
    const Fields fields = TRY(Fields::of(*options, "stream_options"));
    result.include_usage = TRY(fields.boolean("include_usage")).value_or(false);
  }
  return result;
}

Result<int> parse_choices(const Fields& body) {
  return static_cast<int>(TRY(body.integer("n", 1, kMaxChoices)).value_or(1));
}

}  // namespace

Result<ChatRequest> parse_chat_request(std::string_view text) {
  const Json json = TRY(parse_body(text));
  const Fields body = TRY(Fields::of(json, ""));
  ChatRequest parsed;
  GenerationRequest& request = parsed.generation;
  request.model = TRY(body.required_text("model"));
  TRY_VOID(parse_messages(body, request));
  TRY_VOID(parse_tools(body, request));
  TRY_VOID(parse_stop(body, request));
  TRY_VOID(parse_sampling(body, request));
  TRY_VOID(check_format(body));
  const char* limit = body.find("max_completion_tokens") ? "max_completion_tokens" : "max_tokens";
  request.max_tokens = TRY(body.integer(limit, 1, std::int64_t{1} << 40));
  parsed.logprobs = TRY(body.boolean("logprobs")).value_or(false);
  const auto top = TRY(body.integer("top_logprobs", 0, 20));
  if (top && !parsed.logprobs) return body.wrong("top_logprobs", "needs logprobs to be true");
  if (parsed.logprobs) request.top_logprobs = static_cast<std::int32_t>(top.value_or(0));
  parsed.choices = TRY(parse_choices(body));
  const Streaming streaming = TRY(parse_streaming(body));
  parsed.stream = streaming.stream;
  parsed.include_usage = streaming.include_usage;
  return parsed;
}

namespace {

Result<std::vector<std::int32_t>> token_list(const Fields& body, const Json::array_t& values) {
  std::vector<std::int32_t> tokens;
  for (const Json& value : values) {
    if (!value.is_number() || value.get_number() < 0 || value.get_number() > 2e9) return body.wrong("prompt", "tokens must be whole numbers from 0");
    tokens.push_back(static_cast<std::int32_t>(value.get_number()));
  }
  return tokens;
}

Result<void> add_prompts(const Fields& body, const GenerationRequest& base, std::vector<GenerationRequest>& out) {
  const Json* prompt = body.find("prompt");
  if (prompt == nullptr) return body.wrong("prompt", "is required");
  const auto add_text = [&](const std::string& text) {
    out.push_back(base);
    out.back().prompt_kind = PromptKind::kText;
    out.back().prompt = text;
  };
  const auto add_tokens = [&](std::vector<std::int32_t> tokens) {
    out.push_back(base);
    out.back().prompt_kind = PromptKind::kTokens;
    out.back().prompt_tokens = std::move(tokens);
  };
  if (prompt->is_string()) {
    add_text(prompt->get_string());
    return {};
  }
  const Json::array_t* list = TRY(body.array("prompt"));
  if (list->empty()) return body.wrong("prompt", "must not be empty");
  if (list->front().is_number()) {
    add_tokens(TRY(token_list(body, *list)));
    return {};
  }
  if (list->size() > kMaxPrompts) return body.wrong("prompt", std::format("more than {} prompts", kMaxPrompts));
  for (const Json& one : *list) {
    if (one.is_string()) add_text(one.get_string());
    else if (one.is_array()) add_tokens(TRY(token_list(body, one.get_array())));
    else return body.wrong("prompt", "must be text, tokens or an array of either");
  }
  return {};
}

}  // namespace

Result<CompletionRequest> parse_completion_request(std::string_view text) {
  const Json json = TRY(parse_body(text));
  const Fields body = TRY(Fields::of(json, ""));
  CompletionRequest parsed;
  GenerationRequest base;
  base.model = TRY(body.required_text("model"));
  TRY_VOID(parse_stop(body, base));
  TRY_VOID(parse_sampling(body, base));
  base.max_tokens = TRY(body.integer("max_tokens", 0, std::int64_t{1} << 40)).value_or(16);
  base.echo_prompt = TRY(body.boolean("echo")).value_or(false);
  if (const auto logprobs = TRY(body.integer("logprobs", 0, 5))) {
    parsed.logprobs = true;
    base.top_logprobs = static_cast<std::int32_t>(*logprobs);
  }
  if (!TRY(body.text("suffix")).value_or("").empty()) {
    return fail(ErrorCode::kUnsupported, "suffix is not supported by this model", "leave it out", "suffix");
  }
  const int choices = TRY(parse_choices(body));
  if (const auto best_of = TRY(body.integer("best_of", 1, 20)); best_of && *best_of != choices) {
    return body.wrong("best_of", "only the value of n is supported");
  }
  const Streaming streaming = TRY(parse_streaming(body));
  parsed.stream = streaming.stream;
  parsed.include_usage = streaming.include_usage;
  std::vector<GenerationRequest> prompts;
  TRY_VOID(add_prompts(body, base, prompts));
  for (const GenerationRequest& prompt : prompts) {
    for (int i = 0; i < choices; ++i) parsed.prompts.push_back(prompt);
  }
  return parsed;
}

}  // namespace pensieve::api::openai
