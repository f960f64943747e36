#include "engine/step_cost.h"

#include <algorithm>
#include <cmath>

namespace pensieve::engine {
namespace {

using Duration = StepCost::Duration;

constexpr double kNewShare = 0.2;  // weight of the newest value in an average
constexpr double kPlainSteps = 1.5;
constexpr Duration kAloneTarget{1.0};
constexpr std::size_t kLeastBesideDecode = 8;
constexpr std::size_t kLeastAlone = 128;
constexpr std::size_t kTellingPrefill = 16;  // fewer tokens alone say little about the cost of one

void average(Duration& value, Duration newest) { value = value.count() == 0 ? newest : value * (1 - kNewShare) + newest * kNewShare; }

}  // namespace

void StepCost::record(std::size_t decode_tokens, std::size_t prefill_tokens, Duration took) {
  if (prefill_tokens == 0) {
    if (plain_.size() <= decode_tokens) plain_.resize(decode_tokens + 1);
    average(plain_[decode_tokens], took);
  } else if (decode_tokens == 0) {
    if (prefill_tokens >= kTellingPrefill) {
      average(alone_, took / static_cast<double>(prefill_tokens));
    }
  } else {
    const Duration rest = std::max(took - plain_step(decode_tokens), took * 0.05);
    average(beside_decode_, rest / static_cast<double>(prefill_tokens));
  }
}

// The average for this number of decode tokens, or else that of the nearest smaller or larger one.
Duration StepCost::plain_step(std::size_t decode_tokens) const {
  for (std::size_t n = std::min(decode_tokens + 1, plain_.size()); n-- > 0;) {
    if (plain_[n].count() > 0) return plain_[n];
  }
  for (const Duration& value : plain_) {
    if (value.count() > 0) return value;
  }
  return alone_ * static_cast<double>(decode_tokens);
}

std::size_t StepCost::prefill_budget(std::size_t decode_tokens, std::size_t batch_tokens) const {
  const std::size_t room = batch_tokens - std::min(decode_tokens, batch_tokens);
  const bool beside = decode_tokens > 0;
  const std::size_t least = beside ? kLeastBesideDecode : kLeastAlone;
  const Duration each = beside && beside_decode_.count() > 0 ? beside_decode_ : alone_;
  if (each.count() == 0) return std::min(least, room);
  const Duration plain = beside ? plain_step(decode_tokens) : Duration(0);
  const Duration target = beside ? std::max(plain * kPlainSteps, floor_) : kAloneTarget;
  const double affordable = std::floor((target - plain) / each);
  const auto tokens = affordable > 0 ? static_cast<std::size_t>(affordable) : 0;
  return std::min(std::max(tokens, least), room);
}

Duration StepCost::prefill_time(std::size_t tokens) const { return std::max(alone_, beside_decode_) * static_cast<double>(tokens); }

}  // namespace pensieve::engine
