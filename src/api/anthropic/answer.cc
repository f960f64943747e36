#include "api/anthropic/answer.h"

#include <format>

#include "api/json_value.h"

namespace pensieve::api::anthropic {
namespace {

std::string_view stop_reason(StopReason reason) {
  switch (reason) {
    case StopReason::kEndOfTurn:
      return "end_turn";
    case StopReason::kStopSequence:
      return "stop_sequence";
    case StopReason::kMaxTokens:
      return "max_tokens";
    case StopReason::kContextFull:
      return "model_context_window_exceeded";
    case StopReason::kToolCalls:
      return "tool_use";
  }
  return "end_turn";
}

std::string stop_fields(const Finished& finished) {
  return std::format(R"("stop_reason":"{}","stop_sequence":{})", stop_reason(finished.reason),
                     finished.reason == StopReason::kStopSequence ? json_string(finished.stop_sequence) : "null");
}

// Anthropic counts cached tokens apart from input_tokens.
std::string usage_json(const Usage& usage, std::int64_t output_tokens, const Disclosure& disclosure = {}) {
  return std::format(R"({{"input_tokens":{},"cache_creation_input_tokens":0,"cache_read_input_tokens":{},"output_tokens":{}{}}})",
                     usage.prompt_tokens - usage.cached_prompt_tokens, usage.cached_prompt_tokens, output_tokens,
                     disclosure_field(disclosure, usage));
}

// Ids of calls in this API's form.
std::string tool_use_id(const std::string& id) { return id.starts_with("call_") ? "toolu_" + id.substr(5) : id; }

// Arguments that were cut off in the middle are no object; the client learns it from stop_reason.
std::string input_json(const std::string& arguments) {
  const Result<Json> parsed = parse_body(arguments);
  return parsed ? arguments : "{}";
}

std::string sse(std::string_view event, std::string_view data) { return std::format("event: {}\ndata: {}\n\n", event, data); }

}  // namespace

std::string message_body(const std::string& id, const WholeAnswer& answer, const Disclosure& disclosure) {
  std::string content;
  const auto add = [&](const std::string& block) { content += (content.empty() ? "" : ",") + block; };
  if (!answer.reasoning.empty()) {
    add(std::format(R"({{"type":"thinking","thinking":{},"signature":""}})", json_string(answer.reasoning)));
  }
  if (!answer.text.empty()) add(std::format(R"({{"type":"text","text":{}}})", json_string(answer.text)));
  for (const ToolCall& call : answer.tool_calls) {
    add(std::format(R"({{"type":"tool_use","id":{},"name":{},"input":{}}})", json_string(tool_use_id(call.id)), json_string(call.name),
                    input_json(call.arguments)));
  }
  return std::format(R"({{"id":{},"type":"message","role":"assistant","model":{},"content":[{}],{},"usage":{}}})", json_string(id),
                     json_string(answer.model), content, stop_fields(answer.finished),
                     usage_json(answer.finished.usage, answer.finished.usage.completion_tokens, disclosure));
}

std::string StreamWriter::begin(const Usage& usage) {
  return sse("message_start",
             std::format(R"({{"type":"message_start","message":{{"id":{},"type":"message","role":"assistant","model":{},"content":[],)"
                         R"("stop_reason":null,"stop_sequence":null,"usage":{}}}}})",
                         json_string(id_), json_string(model_), usage_json(usage, 1)));
}

void StreamWriter::open(std::string& out, Block block, const ToolCallDelta* call) {
  close(out);
  block_ = block;
  ++index_;
  std::string content = R"({"type":"text","text":""})";
  if (block == Block::kThinking) content = R"({"type":"thinking","thinking":"","signature":""})";
  if (call != nullptr) {
    call_ = call->index;
    content =
        std::format(R"({{"type":"tool_use","id":{},"name":{},"input":{{}}}})", json_string(tool_use_id(call->id)), json_string(call->name));
  }
  out += sse("content_block_start", std::format(R"({{"type":"content_block_start","index":{},"content_block":{}}})", index_, content));
}

void StreamWriter::close(std::string& out) {
  if (block_ == Block::kNone) return;
  if (block_ == Block::kThinking) delta(out, "signature_delta", "signature", "");
  out += sse("content_block_stop", std::format(R"({{"type":"content_block_stop","index":{}}})", index_));
  block_ = Block::kNone;
}

void StreamWriter::delta(std::string& out, std::string_view type, std::string_view field, std::string_view text) const {
  out += "event: content_block_delta\ndata: ";
  std::format_to(std::back_inserter(out), R"({{"type":"content_block_delta","index":{},"delta":{{"type":"{}","{}":)", index_, type, field);
  append_json_string(out, text);
  out += "}}\n\n";
}

std::string StreamWriter::error(const Error& error, std::string_view request_id) {
  return sse("error", render_error(ErrorShape::kAnthropic, error, request_id).body);
}

std::string StreamWriter::event(const GenerationEvent& event, const Disclosure& disclosure) {
  std::string out;
  if (const auto* text = std::get_if<Delta>(&event)) {
    if (!text->reasoning.empty()) {
      if (block_ != Block::kThinking) open(out, Block::kThinking);
      delta(out, "thinking_delta", "thinking", text->reasoning);
    }
    if (!text->text.empty()) {
      if (block_ != Block::kText) open(out, Block::kText);
      delta(out, "text_delta", "text", text->text);
    }
  } else if (const auto* call = std::get_if<ToolCallDelta>(&event)) {
    if (block_ != Block::kToolUse || call_ != call->index) open(out, Block::kToolUse, call);
    if (!call->arguments_delta.empty()) delta(out, "input_json_delta", "partial_json", call->arguments_delta);
  } else if (const auto* failed = std::get_if<Failed>(&event)) {
    return error(failed->error, disclosure.decision);
  } else if (const auto* finished = std::get_if<Finished>(&event)) {
    close(out);
    out += sse("message_delta", std::format(R"({{"type":"message_delta","delta":{{{}}},"usage":{}}})", stop_fields(*finished),
                                            usage_json(finished->usage, finished->usage.completion_tokens, disclosure)));
    out += sse("message_stop", R"({"type":"message_stop"})");
  }
  return out;
}

}  // namespace pensieve::api::anthropic
