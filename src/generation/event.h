// What a running generation reports, in order: one Started, any number of Delta and ToolCall
// events, then exactly one Finished or Failed.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"

namespace pensieve {

enum class StopReason : std::uint8_t {
  kEndOfTurn,     // the model ended its answer
  kStopSequence,  // one of the request's stop strings came up
  kMaxTokens,     // the request's max_tokens
  kContextFull,   // the context has no room for another token
  kToolCalls,     // the answer ends in tool calls
};

struct TokenLogprob {
  std::int32_t token = 0;
  std::string bytes;   // the token's bytes; may be part of a UTF-8 character
  double logprob = 0;  // not a number for the first token of an echoed prompt, which follows nothing
  bool operator==(const TokenLogprob&) const = default;
};

// The sampled token and its most likely alternatives, best first.
struct TokenLogprobs {
  TokenLogprob sampled;
  std::vector<TokenLogprob> top;
  bool operator==(const TokenLogprobs&) const = default;
};

// Token counts. `prompt_tokens` includes `cached_prompt_tokens` (read from the prefix cache).
struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t reasoning_tokens = 0;  // part of completion_tokens
  // Tokens that were guessed ahead and computed in the same step as the one before: those that the answer
  // took, which are part of completion_tokens, and those that it did not.
  std::int64_t accepted_prediction_tokens = 0;
  std::int64_t rejected_prediction_tokens = 0;
  bool operator==(const Usage&) const = default;
};

// The engine's own times, in microseconds.
struct Timings {
  std::int64_t queue_us = 0;    // arrival in the worker to the first step
  std::int64_t prefill_us = 0;  // first step to the first sampled token
  std::int64_t decode_us = 0;   // first sampled token to the last
  bool operator==(const Timings&) const = default;
};

// The prompt is tokenized and admitted; sent before prefill, so usage is known early.
struct Started {
  Usage usage;
  bool operator==(const Started&) const = default;
};

// More text. Always whole UTF-8 characters; never part of a stop string. An echoed prompt is one, of no sampled tokens.
struct Delta {
  std::string text;
  std::string reasoning;
  std::int32_t tokens = 0;  // sampled tokens that this delta accounts for
  std::vector<TokenLogprobs> logprobs;
  bool operator==(const Delta&) const = default;
};

// A piece of a tool call. The first piece of call `index` has `id` and `name`; the JSON text of the
// arguments arrives in `arguments_delta` pieces.
struct ToolCallDelta {
  std::int32_t index = 0;
  std::string id;
  std::string name;
  std::string arguments_delta;
  bool operator==(const ToolCallDelta&) const = default;
};

struct Finished {
  StopReason reason = StopReason::kEndOfTurn;
  std::string stop_sequence;  // for kStopSequence
  Usage usage;
  Timings timings;
  bool operator==(const Finished&) const = default;
};

struct Failed {
  Error error;
  bool operator==(const Failed&) const = default;
};

using GenerationEvent = std::variant<Started, Delta, ToolCallDelta, Finished, Failed>;

// True for the event after which none follows.
inline bool is_terminal(const GenerationEvent& event) {
  return std::holds_alternative<Finished>(event) || std::holds_alternative<Failed>(event);
}

}  // namespace pensieve
