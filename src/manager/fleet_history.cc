#include "manager/fleet_history.h"

#include <algorithm>
#include <functional>

namespace pensieve {
namespace {

constexpr std::size_t kMostConversations = 64;
constexpr double kNewestShare = 0.3;
constexpr std::int64_t kFewTokens = 8;  // too few to tell a speed

void update(TokensPerSecond& mean, std::int64_t tokens, std::int64_t microseconds) {
  if (tokens < kFewTokens || microseconds <= 0) return;
  const double now = static_cast<double>(tokens) * 1e6 / static_cast<double>(microseconds);
  mean.value = mean.value > 0 ? mean.value * (1 - kNewestShare) + now * kNewestShare : now;
}

}  // namespace

// System prompts change within a conversation: clients put the state of the repository there.
std::uint64_t conversation_key(const GenerationRequest& request) {
  const auto first = std::ranges::find(request.messages, Role::kUser, &Message::role);
  return std::hash<std::string>{}(first == request.messages.end() ? request.prompt : first->text);
}

void FleetHistory::note_answer(std::string_view model, std::uint64_t conversation, const Usage& usage, const Timings& timings) {
  Speeds& speeds = speeds_[std::string(model)];
  update(speeds.decode, usage.completion_tokens, timings.decode_us);
  update(speeds.prefill, usage.prompt_tokens - usage.cached_prompt_tokens, timings.prefill_us);
  std::erase_if(conversations_, [&](const Conversation& c) { return c.key == conversation && c.model == model; });
  conversations_.push_back({conversation, std::string(model), usage.prompt_tokens + usage.completion_tokens});
  if (conversations_.size() > kMostConversations) conversations_.pop_front();
}

void FleetHistory::forget(std::string_view model) {
  std::erase_if(conversations_, [&](const Conversation& c) { return c.model == model; });
}

TokensPerSecond FleetHistory::decode(std::string_view model) const {
  const auto found = speeds_.find(model);
  return found == speeds_.end() ? TokensPerSecond{} : found->second.decode;
}

TokensPerSecond FleetHistory::prefill(std::string_view model) const {
  const auto found = speeds_.find(model);
  return found == speeds_.end() ? TokensPerSecond{} : found->second.prefill;
}

std::int64_t FleetHistory::warm_tokens(std::string_view model, std::uint64_t conversation) const {
  const auto found = std::ranges::find_if(conversations_, [&](const Conversation& c) { return c.key == conversation && c.model == model; });
  return found == conversations_.end() ? 0 : found->tokens;
}

void apply_speeds(selector::FleetModel& model, const FleetHistory& history) {
  if (model.speed_measured) return;
  if (const TokensPerSecond speed = history.decode(model.id); speed.value > 0) {
    model.decode = speed;
    model.speed_measured = true;
  }
  if (const TokensPerSecond speed = history.prefill(model.id); speed.value > 0) model.prefill = speed;
}

}  // namespace pensieve
