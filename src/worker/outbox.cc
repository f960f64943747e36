#include "worker/outbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pensieve::worker {
namespace {

// Of what can grow without end. Log probabilities are many times larger than their text.
std::size_t bytes_of(const GenerationEvent& event) {
  if (const auto* call = std::get_if<ToolCallDelta>(&event)) return call->arguments_delta.size();
  const auto* delta = std::get_if<Delta>(&event);
  if (delta == nullptr) return 0;
  std::size_t bytes = delta->text.size() + delta->reasoning.size();
  for (const TokenLogprobs& token : delta->logprobs) bytes += (1 + token.top.size()) * sizeof(TokenLogprob);
  return bytes;
}

// More arguments of the same call.
bool merge_call(GenerationEvent& last, const GenerationEvent& next) {
  auto* into = std::get_if<ToolCallDelta>(&last);
  const auto* from = std::get_if<ToolCallDelta>(&next);
  if (into == nullptr || from == nullptr || into->index != from->index || !from->name.empty()) return false;
  into->arguments_delta += from->arguments_delta;
  return true;
}

bool merge(GenerationEvent& last, GenerationEvent& next) {
  if (merge_call(last, next)) return true;
  auto* into = std::get_if<Delta>(&last);
  auto* from = std::get_if<Delta>(&next);
  if (into == nullptr || from == nullptr) return false;
  // Reasoning stands before text; a delta that goes back to reasoning starts a new event.
  if (!into->text.empty() && !from->reasoning.empty()) return false;
  into->reasoning += from->reasoning;
  into->text += from->text;
  into->tokens += from->tokens;
  into->logprobs.insert(into->logprobs.end(), std::make_move_iterator(from->logprobs.begin()),
                        std::make_move_iterator(from->logprobs.end()));
  return true;
}

}  // namespace

void Outbox::push(GenerationEvent event) {
  pending_bytes_ += bytes_of(event);
  if (!pending_.empty() && merge(pending_.back(), event)) return;
  pending_.push_back(std::move(event));
}

void Outbox::add_credits(std::int32_t events) {
  constexpr std::int64_t kMost = 1'000'000;
  credits_ = static_cast<std::int32_t>(std::clamp(std::int64_t{credits_} + events, -kMost, kMost));
}

std::optional<GenerationEvent> Outbox::take() {
  if (pending_.empty()) return std::nullopt;
  if (credits_ <= 0 && !is_terminal(pending_.front())) return std::nullopt;
  --credits_;
  GenerationEvent event = std::move(pending_.front());
  pending_.pop_front();
  pending_bytes_ -= bytes_of(event);
  return event;
}

}  // namespace pensieve::worker
