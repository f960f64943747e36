#include "api/ollama/answer.h"

#include <algorithm>
#include <format>
#include <utility>

#include "api/json_value.h"
#include "api/ollama/conversation_context.h"
#include "base/utf8.h"

namespace pensieve::api::ollama {
namespace {

std::string_view done_reason(StopReason reason) {
  return reason == StopReason::kMaxTokens || reason == StopReason::kContextFull ? "length" : "stop";
}

// `first`: index of the first of `calls` in the answer.
std::string tool_calls_json(std::span<const ToolCall> calls, std::size_t first) {
  std::string out;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    // A call that was cut off has no whole object.
    const bool whole = parse_body(calls[i].arguments).has_value();
    out += std::format(R"({}{{"id":{},"function":{{"index":{},"name":{},"arguments":{}}}}})", i ? "," : "", json_string(calls[i].id),
                       first + i, json_string(calls[i].name), whole ? calls[i].arguments : "{}");
  }
  return "[" + out + "]";
}

std::string logprob_json(const TokenLogprob& entry) {
  std::string bytes;
  for (const char c : entry.bytes) bytes += std::format("{}{}", bytes.empty() ? "" : ",", static_cast<unsigned char>(c));
  return std::format(R"("token":{},"logprob":{},"bytes":[{}])", json_string(replace_invalid_utf8(entry.bytes)), entry.logprob, bytes);
}

std::string logprobs_field(const std::vector<TokenLogprobs>& entries) {
  if (entries.empty()) return {};
  std::string out;
  for (const TokenLogprobs& entry : entries) {
    std::string top;
    for (const TokenLogprob& other : entry.top) top += std::format("{}{{{}}}", top.empty() ? "" : ",", logprob_json(other));
    out += std::format(R"({}{{{},"top_logprobs":[{}]}})", out.empty() ? "" : ",", logprob_json(entry.sampled), top);
  }
  return std::format(R"(,"logprobs":[{}])", out);
}

}  // namespace

std::string timestamp(std::chrono::sys_time<std::chrono::nanoseconds> time) { return std::format("{:%FT%TZ}", time); }

std::string AnswerWriter::head() const {
  return std::format(R"({{"model":{},"created_at":"{}",)", json_string(identity_.model), timestamp(std::chrono::system_clock::now()));
}

std::string AnswerWriter::content(std::string_view text, std::string_view reasoning, std::span<const ToolCall> calls,
                                  std::size_t first_call) const {
  const std::string thinking = reasoning.empty() ? std::string() : std::format(R"(,"thinking":{})", json_string(reasoning));
  if (!identity_.chat) return std::format(R"("response":{}{})", json_string(text), thinking);
  const std::string called = calls.empty() ? std::string() : std::format(R"(,"tool_calls":{})", tool_calls_json(calls, first_call));
  return std::format(R"("message":{{"role":"assistant","content":{}{}{}}})", json_string(text), thinking, called);
}

// Durations are nanoseconds. What passed before the engine had the request is loading and waiting.
std::string AnswerWriter::final_fields(const Finished& finished, std::string_view text) const {
  const std::int64_t total = std::chrono::nanoseconds(std::chrono::steady_clock::now() - identity_.arrived).count();
  const std::int64_t read = finished.timings.prefill_us * 1000;
  const std::int64_t answered = finished.timings.decode_us * 1000;
  std::string out = std::format(
      R"("done":true,"done_reason":"{}","total_duration":{},"load_duration":{},"prompt_eval_count":{},"prompt_eval_duration":{},)"
      R"("eval_count":{},"eval_duration":{})",
      done_reason(finished.reason), total, std::max<std::int64_t>(0, total - read - answered), finished.usage.prompt_tokens, read,
      finished.usage.completion_tokens, answered);
  if (!identity_.conversation.empty()) {
    std::vector<Message> conversation = identity_.conversation;
    conversation.push_back({.role = Role::kAssistant, .text = std::string(text)});
    out += ",\"context\":" + encode_context(conversation);
  }
  return out;
}

std::string AnswerWriter::line(GenerationEvent&& event, const Disclosure& disclosure) {
  if (const auto* delta = std::get_if<Delta>(&event)) {
    std::string out = head() + content(delta->text, delta->reasoning, {}) + ",\"done\":false" + logprobs_field(delta->logprobs) + "}\n";
    so_far_.add(std::move(event));
    return out;
  }
  // A call is complete when the next one begins or the answer ends.
  std::string out;
  const auto* call = std::get_if<ToolCallDelta>(&event);
  const auto* finished = std::get_if<Finished>(&event);
  const std::size_t complete = finished ? so_far_.tool_calls.size() : call ? static_cast<std::size_t>(std::max(call->index, 0)) : 0;
  for (; calls_sent_ < std::min(complete, so_far_.tool_calls.size()); ++calls_sent_) {
    out += head() + content("", "", std::span(so_far_.tool_calls).subspan(calls_sent_, 1), calls_sent_) + ",\"done\":false}\n";
  }
  if (finished)
    out +=
        head() + content("", "", {}) + "," + final_fields(*finished, so_far_.text) + disclosure_field(disclosure, finished->usage) + "}\n";
  so_far_.add(std::move(event));
  return out;
}

std::string AnswerWriter::whole(const WholeAnswer& answer, const Disclosure& disclosure) const {
  return head() + content(answer.text, answer.reasoning, answer.tool_calls) + "," + final_fields(answer.finished, answer.text) +
         logprobs_field(answer.logprobs) + disclosure_field(disclosure, answer.finished.usage) + "}";
}

std::string AnswerWriter::loaded(std::string_view reason) const {
  return head() + content("", "", {}) + std::format(R"(,"done":true,"done_reason":"{}"}})", reason);
}

std::string AnswerWriter::error(const Error& error) { return render_error(ErrorShape::kOllama, error, "").body + "\n"; }

}  // namespace pensieve::api::ollama
