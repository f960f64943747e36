#include "manager/decision_log.h"

#include <algorithm>
#include <functional>
#include <ranges>
#include <utility>

namespace pensieve {
namespace {

std::uint64_t joined(std::uint64_t hash, std::string_view text) {
  return (hash ^ std::hash<std::string_view>{}(text)) * 0x9E3779B97F4A7C15ULL;
}

}  // namespace

std::uint64_t prompt_hash(const GenerationRequest& request) {
  std::uint64_t hash = joined(0, request.prompt);
  for (const Message& message : request.messages) hash = joined(hash + static_cast<std::uint64_t>(message.role), message.text);
  return hash;
}

std::string_view state_of(const DecisionOutcome& outcome) {
  if (!outcome.ended) return "running";
  if (outcome.disconnected) return "disconnected";
  return outcome.error.empty() ? "finished" : "failed";
}

void DecisionLog::keep(DecisionRecord record) {
  if (DecisionRecord* same = find_mutable(record.id); same != nullptr && !record.id.empty()) {
    record.outcome.regenerations = same->outcome.regenerations;
    *same = std::move(record);
    return tell(*same);
  }
  const auto before = std::ranges::find(std::views::reverse(records_), record.prompt_hash, &DecisionRecord::prompt_hash);
  if (before != std::views::reverse(records_).end()) {
    ++before->outcome.regenerations;
    tell(*before);
  }
  records_.push_back(std::move(record));
  tell(records_.back());
  if (records_.size() > limit_) records_.pop_front();
}

DecisionRecord* DecisionLog::find_mutable(std::string_view id) {
  const auto found = std::ranges::find(std::views::reverse(records_), id, &DecisionRecord::id);
  return found == std::views::reverse(records_).end() ? nullptr : &*found;
}

const DecisionRecord* DecisionLog::find(std::string_view id) const {
  const auto found = std::ranges::find(std::views::reverse(records_), id, &DecisionRecord::id);
  return found == std::views::reverse(records_).end() ? nullptr : &*found;
}

void DecisionLog::note_outcome(std::string_view id, DecisionOutcome outcome) {
  DecisionRecord* record = find_mutable(id);
  if (record == nullptr) return;
  outcome.regenerations = record->outcome.regenerations;
  record->outcome = std::move(outcome);
  tell(*record);
}

void DecisionLog::note_cascade(std::string_view id, CascadeOutcome outcome) {
  DecisionRecord* record = find_mutable(id);
  if (record == nullptr || !record->cascade) return;
  record->cascade->outcome = std::move(outcome);
  tell(*record);
}

}  // namespace pensieve
