#include "manager/answer_trial.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <format>
#include <glaze/glaze.hpp>
#include <string_view>
#include <utility>

namespace pensieve {
namespace {

constexpr std::size_t kLongestArguments = 64 * 1024;
constexpr std::size_t kMostCalls = 64;

// In lower case, with straight apostrophes.
constexpr auto kRefusals = std::to_array<std::string_view>({
    "i'm sorry",
    "i am sorry",
    "sorry, but",
    "sorry, i",
    "i can't",
    "i cannot",
    "i can not",
    "i'm unable",
    "i am unable",
    "i'm not able",
    "i am not able",
    "i don't know",
    "i do not know",
    "as an ai",
    "as a language model",
    "i apologize",
    "unfortunately, i can",
    "unfortunately, i am",
    "unfortunately, i'm",
});

constexpr auto kCallNotations =
    std::to_array<std::string_view>({"<tool_call", "[TOOL_CALLS]", "<|python_tag|>", "<function=", "<function_call", "<|tool_call"});

std::string simplified(std::string_view text, std::size_t most) {
  std::string plain;
  for (std::size_t i = 0; i < text.size() && plain.size() < most; ++i) {
    if (text.substr(i).starts_with("\xE2\x80\x99")) {  // the typographic apostrophe
      plain += '\'';
      i += 2;
    } else if (!plain.empty() || std::isspace(static_cast<unsigned char>(text[i])) == 0) {
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
    }
  }
  return plain;
}

bool is_json_object(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] == '{' && !glz::validate_json(text);
}

}  // namespace

bool begins_with_refusal(std::string_view text) {
  constexpr std::size_t kLooked = 40;
  const std::string plain = simplified(text, kLooked);
  return std::ranges::any_of(kRefusals, [&](std::string_view refusal) { return plain.starts_with(refusal); });
}

bool holds_raw_tool_call(std::string_view text) {
  if (std::ranges::any_of(kCallNotations, [&](std::string_view notation) { return text.contains(notation); })) return true;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return false;
  return text.contains("\"name\"") && (text.contains("\"arguments\"") || text.contains("\"parameters\""));
}

double AnswerTrial::confidence() const { return scored_ == 0 ? 0 : std::exp(logprob_sum_ / scored_); }

AnswerTrial::Verdict AnswerTrial::doubt(std::string reason) {
  reason_ = std::move(reason);
  return Verdict::kDoubted;
}

AnswerTrial::Verdict AnswerTrial::judge_text() {
  if (begins_with_refusal(text_)) return doubt("it declines");
  if (!tools_.empty() && holds_raw_tool_call(text_)) return doubt("its tool call is malformed");
  if (scored_ == 0) return doubt("it gives no probabilities");
  if (confidence() < min_confidence_) return doubt(std::format("its confidence is {:.2f}, below {:.2f}", confidence(), min_confidence_));
  return Verdict::kTrusted;
}

AnswerTrial::Verdict AnswerTrial::judge_end(const Finished& finished) {
  if (tokens_ == 0 && calls_.empty()) return doubt("its answer is empty");
  for (const ToolCall& call : calls_) {
    if (!std::ranges::contains(tools_, call.name, &ToolDefinition::name)) return doubt(std::format("there is no tool '{}'", call.name));
    if (!call.arguments.empty() && !is_json_object(call.arguments)) return doubt("its tool call is malformed");
  }
  if (!calls_.empty() && finished.reason != StopReason::kMaxTokens) return Verdict::kTrusted;
  return judge_text();
}

AnswerTrial::Verdict AnswerTrial::add_call(const ToolCallDelta& call) {
  const auto index = static_cast<std::size_t>(std::max(call.index, 0));
  if (index >= kMostCalls) return doubt("it calls too many tools");
  if (index >= calls_.size()) calls_.resize(index + 1);
  calls_[index].name += call.name;
  calls_[index].arguments += call.arguments_delta;
  return calls_[index].arguments.size() > kLongestArguments ? doubt("the arguments of its tool call do not end") : Verdict::kOpen;
}

AnswerTrial::Verdict AnswerTrial::add(const GenerationEvent& event) {
  if (const auto* failed = std::get_if<Failed>(&event)) return doubt("it failed: " + failed->error.message);
  if (const auto* finished = std::get_if<Finished>(&event)) return judge_end(*finished);
  if (const auto* call = std::get_if<ToolCallDelta>(&event)) return add_call(*call);
  const auto* delta = std::get_if<Delta>(&event);
  if (delta == nullptr) return Verdict::kOpen;
  text_ += delta->text;
  tokens_ += delta->tokens;
  for (const TokenLogprobs& entry : delta->logprobs) {
    logprob_sum_ += entry.sampled.logprob;
    ++scored_;
  }
  // A tool call is judged when it is whole.
  return tokens_ >= wanted_tokens_ && calls_.empty() ? judge_text() : Verdict::kOpen;
}

}  // namespace pensieve
