#include "manager/fallback_ladder.h"

#include <algorithm>
#include <tuple>

namespace pensieve {
namespace {

enum class Rung : std::uint8_t { kChosen, kReady, kReload, kFallback, kSmaller, kLarger };

Rung rung_of(const LadderModel& model, const LadderQuestion& question, std::int64_t lost_bytes) {
  if (model.id == question.lost) {
    if (!question.begun) return Rung::kChosen;
    return model.ready ? Rung::kReady : Rung::kReload;
  }
  if (model.ready) return Rung::kReady;
  if (model.fallback) return Rung::kFallback;
  return model.file_bytes <= lost_bytes ? Rung::kSmaller : Rung::kLarger;
}

bool eligible(const LadderModel& model, const LadderQuestion& question) {
  if (question.reach == FailoverReach::kSame && model.id != question.lost) return false;
  if (!model.ready && !model.loadable) return false;
  if (question.has_images && !model.sees_images && model.id != question.lost) return false;
  if (std::ranges::find(question.given_up, model.id) != question.given_up.end()) return false;
  return question.context_needed < model.context_tokens || model.id == question.lost;
}

}  // namespace

FailoverReach failover_reach(std::string_view text) {
  if (text == "off") return FailoverReach::kOff;
  return text == "same" ? FailoverReach::kSame : FailoverReach::kAny;
}

std::optional<std::string> next_on_ladder(const std::vector<LadderModel>& models, const LadderQuestion& question) {
  if (question.reach == FailoverReach::kOff) return std::nullopt;
  const auto lost = std::ranges::find(models, question.lost, &LadderModel::id);
  const std::int64_t lost_bytes = lost == models.end() ? 0 : lost->file_bytes;
  const auto rank = [&](const LadderModel& model) {
    const Rung rung = rung_of(model, question, lost_bytes);
    // Larger is better, but of what is larger than the lost model the smallest.
    const std::int64_t size = rung == Rung::kLarger ? model.file_bytes : -model.file_bytes;
    return std::tuple(rung, !model.fallback, size);
  };
  const LadderModel* best = nullptr;
  for (const LadderModel& model : models) {
    if (eligible(model, question) && (best == nullptr || rank(model) < rank(*best))) best = &model;
  }
  return best == nullptr ? std::nullopt : std::optional(best->id);
}

}  // namespace pensieve
