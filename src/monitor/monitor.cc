#include "monitor/monitor.h"

#include <algorithm>
#include <format>
#include <utility>

namespace pensieve::monitor {
namespace {

// Between two samples that are further apart nothing is known, so nothing counts as sustained.
constexpr MonitorPolicy::Milliseconds kLongestGap{5'000};

std::size_t index_of(Level level) { return static_cast<std::size_t>(level); }

}  // namespace

std::optional<Change> PerformanceMonitor::update(const Sample& sample, const Ladder& ladder) {
  const auto passed = first_ ? std::chrono::duration_cast<Milliseconds>(sample.at - now_) : Milliseconds{0};
  if (!first_) first_ = last_breach_ = sample.at;
  now_ = sample.at;
  signals_.add(sample);
  const Level before = wish_.level;
  wish_ = assess(signals_, policy_);
  // Time counts for a level only between two samples that both ask for it.
  for (std::size_t i = 1; i < kLevelCount; ++i) {
    const bool both = index_of(before) >= i && index_of(wish_.level) >= i && passed <= kLongestGap;
    asked_for_[i] = both ? asked_for_[i] + passed : std::max(Milliseconds{0}, asked_for_[i] - passed);
  }
  if (!cap_.empty() && ladder.find(cap_) == nullptr) cap_.clear();  // it was removed
  if (wish_.level > Level::kNormal && wish_.level >= level_) last_breach_ = now_;

  std::optional<Change> change;
  if (const Level wanted = sustained(); wanted > level_) {
    change = worsen(wanted, ladder);
  } else if (level_ >= Level::kDowngrade && sustained() >= Level::kDowngrade) {
    change = lower_cap(ladder);
  } else if (level_ > Level::kNormal || !cap_.empty()) {
    change = improve(ladder);
  }
  throttle_ = throttle_plan(heat_of(signals_, policy_), level_, throttle_);
  return change;
}

// The worst level that is asked for now and has been for its dwell.
Level PerformanceMonitor::sustained() const {
  for (Level level = wish_.level; level > Level::kNormal; level = static_cast<Level>(index_of(level) - 1)) {
    if (asked_for_[index_of(level)] >= (level >= Level::kCritical ? policy_.critical_dwell : policy_.dwell)) return level;
  }
  return Level::kNormal;
}

PerformanceMonitor::Milliseconds PerformanceMonitor::cooldown() const {
  return std::min(policy_.longest_cooldown, policy_.cooldown * (1 << std::min(regrets_, 8)));
}

bool PerformanceMonitor::cooled_down() const { return !last_change_ || now_ - *last_change_ >= cooldown(); }

std::optional<Change> PerformanceMonitor::worsen(Level level, const Ladder& ladder) {
  // An improvement that is taken back at once would be the oscillation that the cool-down is there to prevent.
  const bool too_soon = last_was_better_ && last_change_ && now_ - *last_change_ < policy_.cooldown;
  if (too_soon && level < Level::kCritical) return std::nullopt;
  Change change{.from = level_, .to = level, .cap_from = cap_};
  if (level >= Level::kDowngrade && level_ < Level::kDowngrade) change.downgrade = take_smaller(ladder);
  if (level == Level::kEmergency && !ladder.models().empty() && cap_ != ladder.models().front().id) {
    cap_ = ladder.models().front().id;
    order_ = LadderOrder::kFootprint;
    change.downgrade = true;
  }
  level_ = level;
  settle(change, wish_.reason());
  last_was_better_ = false;
  return change;
}

// The breach goes on although a smaller model answers: the next smaller one, once a cool-down.
std::optional<Change> PerformanceMonitor::lower_cap(const Ladder& ladder) {
  if (!last_change_ || now_ - *last_change_ < policy_.cooldown) return std::nullopt;
  Change change{.from = level_, .to = level_, .cap_from = cap_};
  if (!take_smaller(ladder)) return std::nullopt;
  change.downgrade = true;
  settle(change, wish_.reason());
  last_was_better_ = false;
  return change;
}

std::optional<Change> PerformanceMonitor::improve(const Ladder& ladder) {
  if (now_ - last_breach_ < policy_.recovery || !cooled_down()) return std::nullopt;
  const Level calm = assess_recovery(signals_, policy_).level;
  Change change{.from = level_, .to = std::min(level_, calm), .cap_from = cap_};
  level_ = change.to;
  if (level_ < Level::kDowngrade && !cap_.empty()) change.upgrade = take_larger(ladder);
  if (change.from == change.to && !change.upgrade) return std::nullopt;
  std::string reason = calm == Level::kNormal ? "all signals are calm again" : "better: " + assess_recovery(signals_, policy_).reason();
  if (!held_by_.empty()) reason += std::format("; no larger model yet: {}", held_by_);
  settle(change, std::move(reason));
  last_was_better_ = true;
  if (change.upgrade) last_upgrade_ = now_;
  return change;
}

void PerformanceMonitor::settle(Change& change, std::string reason) {
  change.at = now_;
  change.cap_to = cap_;
  change.reason = std::move(reason);
  last_change_ = now_;
  last_breach_ = change.to > change.from || change.downgrade ? now_ : last_breach_;
  if (!change.downgrade || !last_upgrade_) return;
  const bool regretted = now_ - *last_upgrade_ < policy_.regret + cooldown();
  regrets_ = regretted ? regrets_ + 1 : 0;
}

bool PerformanceMonitor::take_smaller(const Ladder& ladder) {
  held_by_.clear();
  const LadderOrder order = about_memory(wish_) ? LadderOrder::kFootprint : LadderOrder::kSpeed;
  // Steps of another kind begin anew, from the model that answers.
  const LadderModel* lighter = ladder.step_down(order == order_ ? cap_ : "", order);
  if (lighter == nullptr || lighter->id == cap_) return false;
  cap_ = lighter->id;
  order_ = order;
  return true;
}

bool PerformanceMonitor::take_larger(const Ladder& ladder) {
  held_by_.clear();
  const LadderModel* larger = ladder.step_up(cap_, order_);
  if (larger == nullptr) {
    cap_.clear();
    return true;
  }
  held_by_ = objection(*larger, ladder, signals_, policy_);
  if (!held_by_.empty()) return false;
  cap_ = ladder.step_up(larger->id, order_) == nullptr ? "" : larger->id;
  return true;
}

PerformanceMonitor::Milliseconds PerformanceMonitor::until_recovery() const {
  if (level_ == Level::kNormal || !last_change_) return Milliseconds{0};
  const SteadyTime end = std::max(*last_change_ + cooldown(), last_breach_ + policy_.recovery);
  return std::max(Milliseconds{1'000}, std::chrono::duration_cast<Milliseconds>(end - now_));
}

std::string PerformanceMonitor::objection_to(const LadderModel& model, const Ladder& ladder) const {
  if (ladder.above(model, cap_, order_)) {
    const std::string_view heavier = order_ == LadderOrder::kFootprint ? "larger" : "slower";
    return std::format("models {} than {} wait: {}", heavier, cap_, wish_.reason().empty() ? "the machine recovers" : wish_.reason());
  }
  return memory_objection(model, ladder, signals_, policy_);
}

}  // namespace pensieve::monitor
