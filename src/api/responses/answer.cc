#include "api/responses/answer.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <utility>

#include "api/http/exchange.h"
#include "base/ids.h"
#include "base/utf8.h"

namespace pensieve::api::responses {
namespace {

std::string token_json(const TokenLogprob& entry) {
  std::string bytes;
  for (const char c : entry.bytes) bytes += std::format("{}{}", bytes.empty() ? "" : ",", static_cast<unsigned char>(c));
  return std::format(R"("token":{},"logprob":{},"bytes":[{}])", json_string(replace_invalid_utf8(entry.bytes)), entry.logprob, bytes);
}

std::string logprobs_json(const std::vector<TokenLogprobs>& entries) {
  std::string out;
  for (const TokenLogprobs& entry : entries) {
    std::string top;
    for (const TokenLogprob& other : entry.top) top += std::format("{}{{{}}}", top.empty() ? "" : ",", token_json(other));
    out += std::format(R"({}{{{},"top_logprobs":[{}]}})", out.empty() ? "" : ",", token_json(entry.sampled), top);
  }
  return out;
}

std::string usage_json(const Usage& usage, const Disclosure& disclosure) {
  return std::format(R"({{"input_tokens":{},"input_tokens_details":{{"cached_tokens":{}}},"output_tokens":{},)"
                     R"("output_tokens_details":{{"reasoning_tokens":{}}},"total_tokens":{}{}}})",
                     usage.prompt_tokens, usage.cached_prompt_tokens, usage.completion_tokens, usage.reasoning_tokens,
                     usage.prompt_tokens + usage.completion_tokens, disclosure_field(disclosure, usage));
}

}  // namespace

ResponseBuilder::ResponseBuilder(std::string id, std::string model, const ParsedRequest& request)
    : id_(std::move(id)),
      model_(std::move(model)),
      created_(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count()),
      echoed_(request.echoed),
      sampling_(std::format(R"("parallel_tool_calls":{},"temperature":{},"top_logprobs":{},"top_p":{})",
                            request.generation.parallel_tool_calls, request.generation.sampling.temperature,
                            std::max(request.generation.top_logprobs, 0), request.generation.sampling.top_p)),
      namespaces_(request.namespaces),
      store_(request.store) {}

std::string ResponseBuilder::event(std::string_view type, const std::string& fields) {
  return std::format("event: {}\ndata: {{\"type\":\"{}\",\"sequence_number\":{},{}}}\n\n", type, type, sequence_++, fields);
}

std::string ResponseBuilder::part_json(const OutputItem& item, bool whole) {
  const std::string text = json_string(whole ? item.text : "");
  if (item.kind == Kind::kReasoning) return std::format(R"({{"type":"reasoning_text","text":{}}})", text);
  return std::format(R"({{"type":"output_text","annotations":[],"logprobs":[{}],"text":{}}})", whole ? item.logprobs : "", text);
}

std::string ResponseBuilder::item_json(const OutputItem& item) const {
  if (item.kind == Kind::kFunctionCall) {
    const auto space = namespaces_.find(item.call.name);
    const std::string inside = space == namespaces_.end() ? std::string() : std::format(R"(,"namespace":{})", json_string(space->second));
    return std::format(R"({{"id":"{}","type":"function_call","status":"{}","arguments":{},"call_id":{},"name":{}{}}})", item.id,
                       item.status, json_string(item.text), json_string(item.call.id), json_string(item.call.name), inside);
  }
  const bool begun = item.status != "in_progress";
  const std::string content = begun ? part_json(item, true) : std::string();
  if (item.kind == Kind::kReasoning) {
    return std::format(R"({{"id":"{}","type":"reasoning","status":"{}","summary":[],"content":[{}]}})", item.id, item.status, content);
  }
  return std::format(R"({{"id":"{}","type":"message","status":"{}","content":[{}],"role":"assistant"}})", item.id, item.status, content);
}

std::string ResponseBuilder::place(bool with_content) const {
  return std::format(R"("item_id":"{}","output_index":{}{})", items_.back().id, items_.size() - 1,
                     with_content ? ",\"content_index\":0" : "");
}

std::string ResponseBuilder::body() const {
  std::string output;
  for (const OutputItem& item : items_) output += (output.empty() ? "" : ",") + item_json(item);
  const bool done = status_ == "completed" || status_ == "incomplete";
  return std::format(
      R"({{"id":"{}","object":"response","created_at":{},"completed_at":{},"status":"{}","background":false,"error":{},)"
      R"("incomplete_details":{},"instructions":{},"max_output_tokens":{},"max_tool_calls":null,"model":{},"output":[{}],)"
      R"("previous_response_id":{},"prompt_cache_key":{},"reasoning":{},"safety_identifier":{},"service_tier":"default","store":{},)"
      R"("text":{},"tool_choice":{},"tools":{},"truncation":{},"usage":{},"user":{},"metadata":{},{}}})",
      id_, created_,
      done ? std::to_string(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count())
           : "null",
      status_, error_, incomplete_, echoed_.instructions, echoed_.max_output_tokens, json_string(model_), output,
      echoed_.previous_response_id, echoed_.prompt_cache_key, echoed_.reasoning, echoed_.safety_identifier, store_, echoed_.text,
      echoed_.tool_choice, echoed_.tools, echoed_.truncation, usage_, echoed_.user, echoed_.metadata, sampling_);
}

std::string ResponseBuilder::begin() {
  std::string out = state_event("response.created");  // they are numbered in the order of the calls
  out += state_event("response.in_progress");
  return out;
}

std::string ResponseBuilder::open(OutputItem item) {
  std::string out = close("completed");
  items_.push_back(std::move(item));
  open_ = true;
  const OutputItem& added = items_.back();
  out += event("response.output_item.added", std::format(R"("output_index":{},"item":{})", items_.size() - 1, item_json(added)));
  if (added.kind == Kind::kFunctionCall) return out;
  return out + event("response.content_part.added", std::format(R"({},"part":{})", place(true), part_json(added, false)));
}

std::string ResponseBuilder::close(std::string_view status) {
  if (!std::exchange(open_, false)) return {};
  OutputItem& item = items_.back();
  item.status = status;
  std::string out;
  if (item.kind == Kind::kFunctionCall) {
    out = event("response.function_call_arguments.done",
                std::format(R"({},"name":{},"arguments":{})", place(false), json_string(item.call.name), json_string(item.text)));
  } else {
    const bool message = item.kind == Kind::kMessage;
    const std::string logprobs = message ? std::format(R"(,"logprobs":[{}])", item.logprobs) : std::string();
    out = event(message ? "response.output_text.done" : "response.reasoning_text.done",
                std::format(R"({},"text":{}{})", place(true), json_string(item.text), logprobs));
    out += event("response.content_part.done", std::format(R"({},"part":{})", place(true), part_json(item, true)));
  }
  return out + event("response.output_item.done", std::format(R"("output_index":{},"item":{})", items_.size() - 1, item_json(item)));
}

std::string ResponseBuilder::grow(std::string_view type, std::string_view delta, const std::string& logprobs) {
  items_.back().text += delta;
  return event(type, std::format(R"({},"delta":{}{})", place(items_.back().kind != Kind::kFunctionCall), json_string(delta), logprobs));
}

std::string ResponseBuilder::text(const Delta& delta) {
  std::string out;
  const auto is_open = [this](Kind kind) { return open_ && items_.back().kind == kind; };
  if (!delta.reasoning.empty()) {
    if (!is_open(Kind::kReasoning)) out += open({.kind = Kind::kReasoning, .id = random_id("rs_", 24)});
    out += grow("response.reasoning_text.delta", delta.reasoning, "");
  }
  if (!delta.text.empty() || !delta.logprobs.empty()) {
    if (!is_open(Kind::kMessage)) out += open({.kind = Kind::kMessage, .id = random_id("msg_", 24)});
    const std::string logprobs = logprobs_json(delta.logprobs);
    std::string& all = items_.back().logprobs;
    if (!logprobs.empty()) all += (all.empty() ? "" : ",") + logprobs;
    out += grow("response.output_text.delta", delta.text, std::format(R"(,"logprobs":[{}])", logprobs));
  }
  return out;
}

std::string ResponseBuilder::call(const ToolCallDelta& delta) {
  std::string out;
  const bool same = open_ && items_.back().kind == Kind::kFunctionCall && items_.back().call_index == delta.index;
  if (!same) {
    out = open(
        {.kind = Kind::kFunctionCall, .id = random_id("fc_", 24), .call = {.id = delta.id, .name = delta.name}, .call_index = delta.index});
  }
  if (!delta.arguments_delta.empty()) out += grow("response.function_call_arguments.delta", delta.arguments_delta, "");
  return out;
}

std::string ResponseBuilder::finish(const Finished& finished, const Disclosure& disclosure) {
  const bool cut = finished.reason == StopReason::kMaxTokens || finished.reason == StopReason::kContextFull;
  std::string out;
  // An answer without a token still has its message.
  if (items_.empty()) out += open({.kind = Kind::kMessage, .id = random_id("msg_", 24)});
  out += close(cut ? "incomplete" : "completed");
  usage_ = usage_json(finished.usage, disclosure);
  status_ = cut ? "incomplete" : "completed";
  if (cut) incomplete_ = R"({"reason":"max_output_tokens"})";
  return out + state_event(cut ? "response.incomplete" : "response.completed");
}

std::string ResponseBuilder::fail(const Error& error) {
  error_ =
      std::format(R"({{"code":{},"message":{}}})", json_string(to_string(error.code)), json_string(replace_invalid_utf8(error.text())));
  status_ = "failed";
  std::string out = close("incomplete");
  return out + state_event("response.failed");
}

std::string ResponseBuilder::add(const GenerationEvent& event, const Disclosure& disclosure) {
  if (const auto* delta = std::get_if<Delta>(&event)) return text(*delta);
  if (const auto* delta = std::get_if<ToolCallDelta>(&event)) return call(*delta);
  if (const auto* finished = std::get_if<Finished>(&event)) return finish(*finished, disclosure);
  if (const auto* failed = std::get_if<Failed>(&event)) return fail(failed->error);
  return {};
}

std::vector<Item> ResponseBuilder::output() const {
  std::vector<Item> items;
  for (const OutputItem& item : items_) items.push_back({item.id, item_json(item)});
  return items;
}

Message ResponseBuilder::turn() const {
  Message message{.role = Role::kAssistant};
  for (const OutputItem& item : items_) {
    if (item.kind == Kind::kReasoning) message.reasoning += item.text;
    if (item.kind == Kind::kMessage) message.text += item.text;
    if (item.kind == Kind::kFunctionCall) message.tool_calls.push_back({item.call.id, item.call.name, item.text});
  }
  return message;
}

}  // namespace pensieve::api::responses
