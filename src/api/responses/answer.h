// From neutral events to a response object and its stream events.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/disclosure.h"
#include "api/responses/request.h"
#include "generation/event.h"

namespace pensieve::api::responses {

// Puts one response together. Each call returns the stream events (SSE) that tell of the step; an
// answer that is not streamed leaves them. begin() first, then add() for each event up to the last.
class ResponseBuilder {
 public:
  ResponseBuilder(std::string id, std::string model, const ParsedRequest& request);

  std::string begin();
  // `disclosure` goes into the usage.
  std::string add(const GenerationEvent& event, const Disclosure& disclosure = {});
  static std::string_view ping() { return ": ping\n\n"; }

  // The response object as it is now.
  [[nodiscard]] std::string body() const;
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::vector<Item> output() const;
  // The answer as a turn of the conversation.
  [[nodiscard]] Message turn() const;

 private:
  enum class Kind : std::uint8_t { kReasoning, kMessage, kFunctionCall };
  struct OutputItem {
    Kind kind = Kind::kMessage;
    std::string id;
    std::string text;  // or arguments
    ToolCall call;
    int call_index = -1;
    std::string logprobs;  // JSON objects, separated by commas
    std::string status = "in_progress";
  };

  std::string event(std::string_view type, const std::string& fields);
  std::string state_event(std::string_view type) { return event(type, "\"response\":" + body()); }
  [[nodiscard]] std::string item_json(const OutputItem& item) const;
  [[nodiscard]] static std::string part_json(const OutputItem& item, bool whole);
  [[nodiscard]] std::string place(bool with_content) const;
  std::string open(OutputItem item);
  std::string close(std::string_view status);
  std::string text(const Delta& delta);
  std::string grow(std::string_view type, std::string_view delta, const std::string& logprobs);
  std::string call(const ToolCallDelta& delta);
  std::string finish(const Finished& finished, const Disclosure& disclosure);
  std::string fail(const Error& error);

  std::string id_;
  std::string model_;
  std::int64_t created_;
  EchoedFields echoed_;
  std::string sampling_;  // temperature and the like, as fields
  std::map<std::string, std::string> namespaces_;
  bool store_;
  std::string status_ = "in_progress";
  std::string incomplete_ = "null";
  std::string error_ = "null";
  std::string usage_ = "null";
  std::vector<OutputItem> items_;
  bool open_ = false;
  std::int64_t sequence_ = 0;
};

}  // namespace pensieve::api::responses
