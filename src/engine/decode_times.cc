#include "engine/decode_times.h"

#include <algorithm>

namespace pensieve::engine {
namespace {

constexpr std::size_t kSamples = 5;
constexpr double kTokenBesideOthers = 0.5;  // of a step's time, where nothing else is known

}  // namespace

void DecodeTimes::record(std::size_t tokens, Duration took, SteadyTime now) {
  if (tokens > kMostTokens) return;
  if (samples_.size() <= tokens) samples_.resize(tokens + 1);
  auto& samples = samples_[tokens];
  if (samples.size() == kSamples) samples.erase(samples.begin());
  samples.push_back({took, now});
}

std::optional<DecodeTimes::Duration> DecodeTimes::measured(std::size_t tokens, SteadyTime now) const {
  if (tokens >= samples_.size()) return std::nullopt;
  std::vector<Duration> fresh;
  for (const Sample& sample : samples_[tokens]) {
    if (now - sample.at <= kFresh) fresh.push_back(sample.took);
  }
  if (fresh.empty()) return std::nullopt;
  const auto middle = fresh.begin() + static_cast<std::ptrdiff_t>((fresh.size() - 1) / 2);
  std::ranges::nth_element(fresh, middle);
  return *middle;
}

DecodeTimes::Duration DecodeTimes::estimate(std::size_t tokens, Duration prompt_token, SteadyTime now) const {
  if (const auto exact = measured(tokens, now)) return *exact;
  std::size_t below = std::min(tokens, samples_.size());
  std::optional<Duration> least;
  while (below > 0 && !least) least = measured(--below, now);
  if (!least) return Duration(0);
  std::optional<Duration> most;
  std::size_t above = tokens;
  while (above + 1 < samples_.size() && !most) most = measured(++above, now);
  const auto further = static_cast<double>(tokens - below);
  if (most) return *least + (*most - *least) * (further / static_cast<double>(above - below));
  return *least + (prompt_token.count() > 0 ? prompt_token : *least * kTokenBesideOthers) * further;
}

}  // namespace pensieve::engine
