#include "api/openai/answer.h"

#include <algorithm>
#include <cmath>
#include <format>

#include "api/json_value.h"
#include "base/utf8.h"

namespace pensieve::api::openai {
namespace {

std::string_view finish_reason(StopReason reason, bool called_tools) {
  switch (reason) {
    case StopReason::kMaxTokens:
    case StopReason::kContextFull:
      return "length";
    case StopReason::kToolCalls:
      return "tool_calls";
    default:
      return called_tools ? "tool_calls" : "stop";
  }
}

std::string bytes_json(std::string_view bytes) {
  std::string out = "[";
  for (const char c : bytes) out += std::format("{}{}", out.size() > 1 ? "," : "", static_cast<unsigned char>(c));
  return out + "]";
}

std::string chat_logprob(const TokenLogprob& entry) {
  return std::format(R"("token":{},"logprob":{},"bytes":{})", json_string(replace_invalid_utf8(entry.bytes)), entry.logprob,
                     bytes_json(entry.bytes));
}

std::string chat_logprobs(const std::vector<TokenLogprobs>& entries) {
  std::string content;
  for (const TokenLogprobs& entry : entries) {
    std::string top;
    for (const TokenLogprob& other : entry.top) top += std::format("{}{{{}}}", top.empty() ? "" : ",", chat_logprob(other));
    content += std::format(R"({}{{{},"top_logprobs":[{}]}})", content.empty() ? "" : ",", chat_logprob(entry.sampled), top);
  }
  return std::format(R"({{"content":[{}],"refusal":null}})", content);
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](unsigned char c) { return (c & 0xC0) != 0x80; }));
}

// `offset`: characters before the first token; moved on past the last.
std::string completion_logprobs(const std::vector<TokenLogprobs>& entries, std::size_t& offset) {
  std::string tokens;
  std::string values;
  std::string tops;
  std::string offsets;
  for (const TokenLogprobs& entry : entries) {
    const char* comma = tokens.empty() ? "" : ",";
    const std::string text = replace_invalid_utf8(entry.sampled.bytes);
    tokens += comma + json_string(text);
    const bool scored = !std::isnan(entry.sampled.logprob);
    values += comma + (scored ? std::format("{}", entry.sampled.logprob) : "null");
    offsets += std::format("{}{}", comma, offset);
    std::string top;
    for (const TokenLogprob& other : entry.top) {
      top += std::format("{}{}:{}", top.empty() ? "" : ",", json_string(replace_invalid_utf8(other.bytes)), other.logprob);
    }
    tops += comma + (scored ? std::format("{{{}}}", top) : "null");
    offset += characters(text);
  }
  return std::format(R"({{"tokens":[{}],"token_logprobs":[{}],"top_logprobs":[{}],"text_offset":[{}]}})", tokens, values, tops, offsets);
}

std::string tool_calls_json(const std::vector<ToolCall>& calls) {
  std::string out;
  for (const ToolCall& call : calls) {
    out += std::format(R"({}{{"id":{},"type":"function","function":{{"name":{},"arguments":{}}}}})", out.empty() ? "" : ",",
                       json_string(call.id), json_string(call.name), json_string(call.arguments));
  }
  return "[" + out + "]";
}

std::string message_json(const WholeAnswer& answer) {
  std::string out = std::format(R"({{"role":"assistant","content":{},"refusal":null)",
                                answer.text.empty() && !answer.tool_calls.empty() ? "null" : json_string(answer.text));
  if (!answer.reasoning.empty()) out += std::format(R"(,"reasoning_content":{})", json_string(answer.reasoning));
  if (!answer.tool_calls.empty()) out += std::format(R"(,"tool_calls":{})", tool_calls_json(answer.tool_calls));
  return out + "}";
}

}  // namespace

Usage total_usage(const std::vector<Usage>& answers, std::size_t per_prompt) {
  Usage total;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    total.completion_tokens += answers[i].completion_tokens;
    total.reasoning_tokens += answers[i].reasoning_tokens;
    total.accepted_prediction_tokens += answers[i].accepted_prediction_tokens;
    total.rejected_prediction_tokens += answers[i].rejected_prediction_tokens;
    if (i % per_prompt != 0) continue;
    total.prompt_tokens += answers[i].prompt_tokens;
    total.cached_prompt_tokens += answers[i].cached_prompt_tokens;
  }
  return total;
}

std::string usage_json(const Usage& usage, const Disclosure& disclosure) {
  return std::format(R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{}}},)"
                     R"("completion_tokens_details":{{"reasoning_tokens":{},"accepted_prediction_tokens":{},)"
                     R"("rejected_prediction_tokens":{}}}{}}})",
                     usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens + usage.completion_tokens,
                     usage.cached_prompt_tokens, usage.reasoning_tokens, usage.accepted_prediction_tokens, usage.rejected_prediction_tokens,
                     disclosure_field(disclosure));
}

std::string whole_body(const Identity& identity, const std::vector<WholeAnswer>& answers, std::size_t per_prompt, bool logprobs) {
  std::string choices;
  std::vector<Usage> usages;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const WholeAnswer& answer = answers[i];
    usages.push_back(answer.finished.usage);
    std::size_t offset = 0;
    const std::string probabilities = !logprobs       ? "null"
                                      : identity.chat ? chat_logprobs(answer.logprobs)
                                                      : completion_logprobs(answer.logprobs, offset);
    const std::string content = identity.chat ? "\"message\":" + message_json(answer) : "\"text\":" + json_string(answer.text);
    choices += std::format(R"({}{{"index":{},{},"logprobs":{},"finish_reason":"{}"}})", i ? "," : "", i, content, probabilities,
                           finish_reason(answer.finished.reason, !answer.tool_calls.empty()));
  }
  return std::format(R"({{"id":{},"object":"{}","created":{},"model":{},"choices":[{}],"usage":{},"system_fingerprint":null}})",
                     json_string(identity.id), identity.chat ? "chat.completion" : "text_completion", identity.created,
                     json_string(identity.model), choices, usage_json(total_usage(usages, per_prompt), identity.disclosure));
}

ChunkWriter::ChunkWriter(Identity identity, bool usage_field, bool logprobs)
    : identity_(std::move(identity)), usage_field_(usage_field), logprobs_(logprobs) {
  head_ = std::format(R"(data: {{"id":{},"object":"{}","created":{},"model":{},"system_fingerprint":null,"choices":[)",
                      json_string(identity_.id), identity_.chat ? "chat.completion.chunk" : "text_completion", identity_.created,
                      json_string(identity_.model));
}

std::string ChunkWriter::chunk(std::size_t choice, std::string_view delta, std::string_view logprobs, std::string_view finish) const {
  std::string out = head_;
  std::format_to(std::back_inserter(out), R"({{"index":{},)", choice);
  out += delta;
  out += R"(,"logprobs":)";
  out += logprobs;
  out += R"(,"finish_reason":)";
  out += finish;
  out += "}]";
  if (finish != "null") out += disclosure_field(disclosure_);
  out += usage_field_ ? ",\"usage\":null}\n\n" : "}\n\n";
  return out;
}

std::string ChunkWriter::text_chunk(std::size_t index, const Delta& delta) {
  if (!identity_.chat) {
    std::size_t& offset = choices_[index].text_offset;
    const std::string probabilities = logprobs_ ? completion_logprobs(delta.logprobs, offset) : "null";
    return chunk(index, "\"text\":" + json_string(delta.text), probabilities, "null");
  }
  std::string fields;
  if (!delta.reasoning.empty()) {
    fields += "\"reasoning_content\":";
    append_json_string(fields, delta.reasoning);
  }
  if (!delta.text.empty() || delta.reasoning.empty()) {
    fields += fields.empty() ? "\"content\":" : ",\"content\":";
    append_json_string(fields, delta.text);
  }
  return chunk(index, "\"delta\":{" + fields + "}", logprobs_ ? chat_logprobs(delta.logprobs) : "null", "null");
}

std::string ChunkWriter::tool_chunk(std::size_t index, const ToolCallDelta& call) const {
  std::string head;
  if (!call.id.empty() || !call.name.empty()) head = std::format(R"("id":{},"type":"function",)", json_string(call.id));
  const std::string name = call.name.empty() ? std::string() : std::format(R"("name":{},)", json_string(call.name));
  return chunk(index,
               std::format(R"("delta":{{"tool_calls":[{{"index":{},{}"function":{{{}"arguments":{}}}}}]}})", call.index, head, name,
                           json_string(call.arguments_delta)),
               "null", "null");
}

std::string ChunkWriter::event(std::size_t choice, const GenerationEvent& event) {
  if (choices_.size() <= choice) choices_.resize(choice + 1);
  if (const auto* text = std::get_if<Delta>(&event)) return text_chunk(choice, *text);
  if (const auto* call = std::get_if<ToolCallDelta>(&event)) {
    choices_[choice].called_tools = true;
    return tool_chunk(choice, *call);
  }
  if (const auto* finished = std::get_if<Finished>(&event)) {
    const std::string_view reason = finish_reason(finished->reason, choices_[choice].called_tools);
    return chunk(choice, identity_.chat ? "\"delta\":{}" : "\"text\":\"\"", "null", std::format("\"{}\"", reason));
  }
  if (std::holds_alternative<Started>(event) && identity_.chat) {
    return chunk(choice, R"("delta":{"role":"assistant","content":"","refusal":null})", "null", "null");
  }
  return {};
}

std::string ChunkWriter::error(const Error& error, std::string_view request_id) {
  return std::format("data: {}\n\n", render_error(ErrorShape::kOpenAi, error, request_id).body);
}

std::string ChunkWriter::usage(const Usage& usage, const Disclosure& disclosure) const {
  std::string out = head_;
  out += std::format("],\"usage\":{}}}\n\n", usage_json(usage, disclosure));
  return out;
}

}  // namespace pensieve::api::openai
