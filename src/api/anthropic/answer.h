// From neutral events to Anthropic's messages and stream events.
#pragma once

#include <string>
#include <string_view>

#include "api/exchange_tools.h"
#include "generation/event.h"

namespace pensieve::api::anthropic {

// The body of an answer that is not streamed. `id`: "msg_...".
std::string message_body(const std::string& id, const WholeAnswer& answer, const Disclosure& disclosure = {});

// Writes one answer's stream events (SSE). begin() first, then event() for each neutral event.
class StreamWriter {
 public:
  StreamWriter(std::string id, std::string model) : id_(std::move(id)), model_(std::move(model)) {}

  std::string begin(const Usage& usage);
  // `disclosure` goes into the usage of the last event; its decision is the request's id.
  std::string event(const GenerationEvent& event, const Disclosure& disclosure);
  static std::string_view ping() { return "event: ping\ndata: {\"type\": \"ping\"}\n\n"; }
  static std::string error(const Error& error, std::string_view request_id);

 private:
  enum class Block : std::uint8_t { kNone, kText, kThinking, kToolUse };

  void open(std::string& out, Block block, const ToolCallDelta* call = nullptr);
  void close(std::string& out);
  void delta(std::string& out, std::string_view type, std::string_view field, std::string_view text) const;

  std::string id_;
  std::string model_;
  Block block_ = Block::kNone;
  int index_ = -1;
  int call_ = -1;
};

}  // namespace pensieve::api::anthropic
