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
  bool chat = true;  // false: legacy completions
};

Usage total_usage(const std::vector<WholeAnswer>& answers);
std::string usage_json(const Usage& usage);

// The body of an answer that is not streamed; one choice an answer.
std::string whole_body(const Identity& identity, const std::vector<WholeAnswer>& answers, bool logprobs);

// Chunks of a stream, each a whole SSE event ("data: ...\n\n"). `usage_field`: chunks carry
// "usage": null, as they do when include_usage was asked for.
class ChunkWriter {
 public:
  ChunkWriter(Identity identity, bool usage_field, bool logprobs);

  // The first delta of a choice: the role (chat only; empty for completions).
  std::string begin(int choice) const;
  // Empty for events that have no chunk.
  std::string event(int choice, const GenerationEvent& event, std::string_view request_id);
  std::string usage(const Usage& usage) const;
  static std::string_view done() { return "data: [DONE]\n\n"; }
  static std::string_view ping() { return ": ping\n\n"; }

 private:
  std::string chunk(int choice, std::string_view delta, std::string_view logprobs, std::string_view finish) const;

  Identity identity_;
  std::string head_;
  bool usage_field_;
  bool logprobs_;
  std::vector<bool> called_tools_;
  std::size_t text_offset_ = 0;
};

}  // namespace pensieve::api::openai
