// What the server has seen its models do: how fast they were, and which conversation each has read.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "base/units.h"
#include "generation/event.h"
#include "generation/request.h"
#include "selector/fleet.h"

namespace pensieve {

// What stays the same through a conversation: its first user message.
std::uint64_t conversation_key(const GenerationRequest& request);

// One thread. Speeds are running means of finished answers; conversations are bounded.
class FleetHistory {
 public:
  // An answer of `model` ended well.
  void note_answer(std::string_view model, std::uint64_t conversation, const Usage& usage, const Timings& timings);
  // What the model had read is gone.
  void forget(std::string_view model);

  // 0: not measured.
  [[nodiscard]] TokensPerSecond decode(std::string_view model) const;
  [[nodiscard]] TokensPerSecond prefill(std::string_view model) const;
  // Tokens of this conversation's prompt that the model probably has in its cache.
  [[nodiscard]] std::int64_t warm_tokens(std::string_view model, std::uint64_t conversation) const;

 private:
  struct Speeds {
    TokensPerSecond decode;
    TokensPerSecond prefill;
  };
  struct Conversation {
    std::uint64_t key = 0;
    std::string model;
    std::int64_t tokens = 0;
  };

  std::map<std::string, Speeds, std::less<>> speeds_;
  std::deque<Conversation> conversations_;  // oldest first
};

// The speeds of earlier answers in the place of predicted ones; what is measured already, at the
// request's depth, stays.
void apply_speeds(selector::FleetModel& model, const FleetHistory& history);

}  // namespace pensieve
