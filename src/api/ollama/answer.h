// From neutral events to Ollama's objects, one a line.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/exchange_tools.h"
#include "base/clock.h"
#include "generation/event.h"

namespace pensieve::api::ollama {

// What all objects of one answer share.
struct Identity {
  std::string model;                  // as it is shown
  bool chat = true;                   // false: /api/generate
  std::vector<Message> conversation;  // for the `context` of /api/generate; empty: none is given
  SteadyTime arrived;
};

// RFC 3339 with fractions of a second, as `created_at` and `modified_at` are.
std::string timestamp(std::chrono::sys_time<std::chrono::nanoseconds> time);

// Writes the objects of an answer; each ends in a newline, but for whole().
class AnswerWriter {
 public:
  explicit AnswerWriter(Identity identity) : identity_(std::move(identity)) {}

  // A line of a stream; empty for events that have none. Not for Failed. `disclosure` goes into the last.
  std::string line(GenerationEvent&& event, const Disclosure& disclosure);
  // The object of an answer that is not streamed.
  [[nodiscard]] std::string whole(const WholeAnswer& answer, const Disclosure& disclosure) const;
  // Where there was nothing to answer; `reason`: "load" or "unload".
  [[nodiscard]] std::string loaded(std::string_view reason) const;
  static std::string error(const Error& error);

 private:
  [[nodiscard]] std::string head() const;
  [[nodiscard]] std::string content(std::string_view text, std::string_view reasoning, std::span<const ToolCall> calls,
                                    std::size_t first_call = 0) const;
  [[nodiscard]] std::string final_fields(const Finished& finished, std::string_view text) const;

  Identity identity_;
  WholeAnswer so_far_;          // of a stream
  std::size_t calls_sent_ = 0;  // tool calls go out whole
};

}  // namespace pensieve::api::ollama
