// Whether the beginning of a small model's answer is good enough to be sent. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "generation/event.h"
#include "generation/request.h"

namespace pensieve {

class AnswerTrial {
 public:
  enum class Verdict : std::uint8_t { kOpen, kTrusted, kDoubted };

  // Judges after `tokens` tokens, or at the end of a shorter answer and of one that calls tools. Doubted
  // are a mean probability (geometric) below `min_confidence`, a refusal, an empty answer, and a tool
  // call that is malformed or names a tool that `tools` lacks.
  AnswerTrial(std::vector<ToolDefinition> tools, std::int32_t tokens, double min_confidence)
      : tools_(std::move(tools)), wanted_tokens_(tokens), min_confidence_(min_confidence) {}

  // Adds the next event; kOpen: needs more of them.
  Verdict add(const GenerationEvent& event);

  // 0..1: mean probability so far; 0 without tokens.
  [[nodiscard]] double confidence() const;
  [[nodiscard]] std::int32_t tokens() const { return tokens_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }  // of doubt; empty otherwise

 private:
  Verdict doubt(std::string reason);
  Verdict judge_text();
  Verdict judge_end(const Finished& finished);
  Verdict add_call(const ToolCallDelta& call);

  std::vector<ToolDefinition> tools_;
  std::int32_t wanted_tokens_;
  double min_confidence_;
  std::string text_;
  std::vector<ToolCall> calls_;
  double logprob_sum_ = 0;
  std::int32_t scored_ = 0;
  std::int32_t tokens_ = 0;
  std::string reason_;
};

// True if `text` begins by declining ("I'm sorry, but", "As an AI language model").
bool begins_with_refusal(std::string_view text);

// True if `text` holds a model's own notation of a tool call, which should have become a ToolCall.
bool holds_raw_tool_call(std::string_view text);

}  // namespace pensieve
