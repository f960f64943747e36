// The neutral request that travels through all layers. API dialects translate into it; nothing
// behind them knows which API a client spoke. Plain aggregates: ipc/ sends them as they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pensieve {

enum class Role : std::uint8_t { kSystem, kUser, kAssistant, kTool };

// A function call that the model asked for. `arguments` is JSON text of an object.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;
  bool operator==(const ToolCall&) const = default;
};

// An image as it came in: encoded bytes and their media type ("image/png").
struct Image {
  std::string media_type;
  std::string bytes;
  std::uint64_t offset = 0;  // where it stands in the text of its message, in bytes
  std::string field;         // where the client had it, for errors ("messages.0.content.1")
  bool operator==(const Image&) const = default;
};

// One turn of a conversation. For kTool, `text` is the result of the call `tool_call_id`.
struct Message {
  Role role = Role::kUser;
  std::string text;
  std::string reasoning;  // thinking text of an earlier assistant turn, shown apart from `text`
  std::vector<ToolCall> tool_calls;
  std::string tool_call_id;
  std::string tool_name;
  bool tool_failed = false;
  std::vector<Image> images;  // by offset
  bool operator==(const Message&) const = default;
};

// A function that the model may call. `parameters_schema` is JSON Schema text.
struct ToolDefinition {
  std::string name;
  std::string description;
  std::string parameters_schema;
  bool operator==(const ToolDefinition&) const = default;
};

enum class ToolChoice : std::uint8_t { kAuto, kNone, kRequired, kNamed };

// How the answer's text is constrained.
enum class OutputFormat : std::uint8_t { kText, kJsonObject, kJsonSchema, kGrammar };

struct LogitBias {
  std::int32_t token = 0;
  float bias = 0;  // added to the logit; -100 or less bans the token
  bool operator==(const LogitBias&) const = default;
};

// Sampling parameters; defaults are neutral except where a client would expect the usual ones.
struct Sampling {
  float temperature = 1.0F;         // 0: greedy
  float top_p = 1.0F;               // nucleus; 1: off
  std::int32_t top_k = 0;           // 0: off
  float min_p = 0.0F;               // 0: off
  float repetition_penalty = 1.0F;  // multiplicative over the last `penalty_last_n` tokens; 1: off
  float frequency_penalty = 0.0F;
  float presence_penalty = 0.0F;
  std::int32_t penalty_last_n = 64;
  std::optional<std::uint32_t> seed;  // absent: random
  std::vector<LogitBias> logit_bias;
  bool operator==(const Sampling&) const = default;
};

// Which way the text becomes a prompt.
enum class PromptKind : std::uint8_t {
  kMessages,  // `messages` through the model's chat template
  kText,      // `prompt` as it is (completions API)
  kTokens,    // `prompt_tokens` as they are
};

enum class Quality : std::uint8_t { kGood, kHigh, kMaximum };
enum class Performance : std::uint8_t { kLow, kMedium, kHigh };

// What the caller requires of the choice of model; absent fields follow the configuration.
struct Requirements {
  std::optional<Quality> quality;
  std::optional<Performance> performance;
  std::optional<double> min_tokens_per_second;
  std::optional<std::int64_t> max_ttft_ms;
  bool operator==(const Requirements&) const = default;
};

// Who waits for the answer: a person, who goes first, or a job that has time.
enum class Priority : std::uint8_t { kInteractive, kBatch };

// A LoRA adapter that changes the model for this request.
struct AdapterUse {
  std::string name;
  std::optional<double> scale;  // absent: what the adapter was installed with
  std::string path;             // its file; the manager fills it in
  bool operator==(const AdapterUse&) const = default;
};

struct GenerationRequest {
  std::string id;     // unique in this server's life; in logs and in the decision
  std::string model;  // as the client named it: id, alias, role, "auto", ...
  PromptKind prompt_kind = PromptKind::kMessages;
  std::vector<Message> messages;
  std::string prompt;
  // For kText: texts of control tokens in `prompt` become these tokens (a client's own template). Else
  // they are read as any other text.
  bool parse_special = false;
  // For kText: what comes after the answer (fill in the middle); empty: nothing. Refused for models
  // without the tokens for it.
  std::string suffix;
  std::vector<std::int32_t> prompt_tokens;
  // The last message is the assistant's and is continued, not answered: its text (Anthropic prefill), or its call's arguments.
  bool continue_last_message = false;
  // The end of the prompt that is not the client's but the beginning of this answer, generated before
  // (by a worker that was lost). A constraint on the answer takes it as read.
  std::string begun_answer;

  std::vector<ToolDefinition> tools;
  ToolChoice tool_choice = ToolChoice::kAuto;
  std::string tool_choice_name;  // for kNamed
  bool parallel_tool_calls = true;

  OutputFormat output_format = OutputFormat::kText;
  std::string output_schema;  // JSON Schema or GBNF text, by `output_format`

  Sampling sampling;
  std::vector<std::string> stop;           // stop strings; never part of the answer
  std::optional<std::int64_t> max_tokens;  // absent: until the model stops or the context is full
  std::int32_t top_logprobs = -1;          // -1: no log probabilities; else alternatives per token
  bool echo_prompt = false;                // prompt text first (completions API)
  std::optional<bool> thinking;            // templates with a switch for it; absent: their default
  Requirements requirements;
  Priority priority = Priority::kInteractive;
  std::vector<AdapterUse> adapters;

  bool operator==(const GenerationRequest&) const = default;
};

}  // namespace pensieve
