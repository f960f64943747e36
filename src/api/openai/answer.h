// From neutral events to OpenAI's chat and completion objects.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/exchange_tools.h"
#include "generation/event.h"

namespace pensieve::api::openai {

// What all objects of one answer share.
struct Identity {
  std::string id;
  std::string model;
  std::int64_t created = 0;
  bool chat = true;            // false: legacy completions
  Disclosure disclosure = {};  // of an answer that is not streamed
};

// Usage of a whole request: the answers of one prompt (`per_prompt` of them, one after the other)
// read it once.
Usage total_usage(const std::vector<Usage>& answers, std::size_t per_prompt);
std::string usage_json(const Usage& usage, const Disclosure& disclosure = {});

// The body of an answer that is not streamed; one choice an answer.
std::string whole_body(const Identity& identity, const std::vector<WholeAnswer>& answers, std::size_t per_prompt, bool logprobs);

// Chunks of a stream, each a whole SSE event ("data: ...\n\n"). `usage_field`: chunks carry
// "usage": null, as they do when include_usage was asked for.
class ChunkWriter {
 public:
  ChunkWriter(Identity identity, bool usage_field, bool logprobs);

  // Started begins a choice with the role (chat only). Empty for events that have no chunk; not for
  // Failed.
  std::string event(std::size_t choice, const GenerationEvent& event);
  [[nodiscard]] std::string usage(const Usage& usage, const Disclosure& disclosure = {}) const;
  // The last chunk of each choice says it: for clients that get no usage.
  void disclose(Disclosure disclosure) { disclosure_ = std::move(disclosure); }
  static std::string error(const Error& error, std::string_view request_id);
  static std::string_view done() { return "data: [DONE]\n\n"; }
  static std::string_view ping() { return ": ping\n\n"; }

 private:
  // What a choice has sent so far.
  struct Choice {
    bool called_tools = false;
    std::size_t text_offset = 0;  // in characters
  };

  [[nodiscard]] std::string chunk(std::size_t choice, std::string_view delta, std::string_view logprobs, std::string_view finish) const;
  std::string text_chunk(std::size_t index, const Delta& delta);
  [[nodiscard]] std::string tool_chunk(std::size_t index, const ToolCallDelta& call) const;

  Identity identity_;
  std::string head_;
  bool usage_field_;
  bool logprobs_;
  Disclosure disclosure_;
  std::vector<Choice> choices_;
};

}  // namespace pensieve::api::openai
