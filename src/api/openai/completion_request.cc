#include <cmath>
#include <format>

#include "api/adapter_field.h"
#include "api/openai/common_fields.h"
#include "api/openai/request.h"

namespace pensieve::api::openai {
namespace {

constexpr std::size_t kMaxPrompts = 32;

Result<std::vector<std::int32_t>> token_list(const Fields& body, const Json::array_t& values) {
  std::vector<std::int32_t> tokens;
  for (const Json& value : values) {
    const double number = value.is_number() ? value.as_number() : -1;
    if (number != std::floor(number) || !(number >= 0 && number <= 2e9)) return body.wrong("prompt", "tokens must be whole numbers from 0");
    tokens.push_back(static_cast<std::int32_t>(number));
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
  if (!prompt->is_array()) return body.wrong("prompt", "must be text, tokens or an array of either");
  const Json::array_t* list = &prompt->get_array();
  if (list->empty()) return body.wrong("prompt", "must not be empty");
  if (list->front().is_number()) {
    add_tokens(TRY(token_list(body, *list)));
    return {};
  }
  if (list->size() > kMaxPrompts) return body.wrong("prompt", std::format("more than {} prompts", kMaxPrompts));
  for (const Json& one : *list) {
    if (one.is_string())
      add_text(one.get_string());
    else if (one.is_array())
      add_tokens(TRY(token_list(body, one.get_array())));
    else
      return body.wrong("prompt", "must be text, tokens or an array of either");
  }
  return {};
}

}  // namespace

Result<ParsedRequest> parse_completion_request(std::string_view text) {
  const Json json = TRY(parse_body(text));
  const Fields body = TRY(Fields::of(json, ""));
  ParsedRequest parsed;
  GenerationRequest base;
  base.model = TRY(body.required_text("model"));
  TRY_VOID(parse_stop(body, base));
  TRY_VOID(parse_sampling(body, base));
  TRY_VOID(parse_format(body, base));
  TRY_VOID(parse_adapters(body, base));
  base.max_tokens = TRY(body.integer("max_tokens", 0, std::int64_t{1} << 40)).value_or(16);
  base.echo_prompt = TRY(body.boolean("echo")).value_or(false);
  if (const auto logprobs = TRY(body.integer("logprobs", 0, 5))) {
    parsed.logprobs = true;
    base.top_logprobs = static_cast<std::int32_t>(*logprobs);
  }
  base.suffix = TRY(body.text("suffix")).value_or("");
  if (!base.suffix.empty() && base.echo_prompt) return unsupported("suffix", "together with echo is not supported", "leave one out");
  TRY_VOID(parse_streaming(body, parsed));
  std::vector<GenerationRequest> prompts;
  TRY_VOID(add_prompts(body, base, prompts));
  TRY_VOID(add_choices(body, prompts, parsed));
  const auto best_of = TRY(body.integer("best_of", 1, 20)).value_or(static_cast<std::int64_t>(parsed.per_prompt));
  if (best_of != static_cast<std::int64_t>(parsed.per_prompt))
    return unsupported("best_of", "other than n is not supported", "leave it out");
  return parsed;
}

}  // namespace pensieve::api::openai
