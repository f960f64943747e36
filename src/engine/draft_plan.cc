#include "engine/draft_plan.h"

#include <algorithm>

namespace pensieve::engine {
namespace {

using Duration = StepCost::Duration;

constexpr double kLeastGain = 1.05;
constexpr double kLeastSpeedOfAStream = 0.9;
constexpr double kLongestStep = 4;   // of a step without guesses
constexpr Duration kShortStep{0.1};  // is short enough in any case
constexpr double kLeastChance = 0.05;

}  // namespace

std::vector<std::size_t> plan_drafts(std::span<const std::vector<double>> chances, std::size_t most_tokens, const StepTime& time) {
  const std::size_t streams = chances.size();
  std::vector<std::size_t> lengths(streams, 0);
  std::vector<std::size_t> best = lengths;
  if (std::ranges::all_of(chances, [](const auto& stream) { return stream.empty(); })) return best;
  const Duration plain = time(streams);
  if (plain.count() <= 0) return best;
  const Duration longest = std::max(plain * kLongestStep, kShortStep);
  std::vector<double> expected(streams, 1.0);  // tokens of each stream
  double all = static_cast<double>(streams);
  double best_gain = kLeastGain;
  // The likeliest guess is added again and again. Chances fall along a stream, so each stream's guesses are
  // added in their order.
  for (std::size_t tokens = streams + 1; tokens <= most_tokens; ++tokens) {
    std::size_t next = streams;
    double chance = kLeastChance;
    for (std::size_t i = 0; i < streams; ++i) {
      if (lengths[i] >= chances[i].size() || chances[i][lengths[i]] <= chance) continue;
      next = i;
      chance = chances[i][lengths[i]];
    }
    if (next == streams) break;
    ++lengths[next];
    expected[next] += chance;
    all += chance;
    const Duration took = time(tokens);
    if (took > longest) break;
    const double slower = took / plain;
    if (std::ranges::min(expected) < kLeastSpeedOfAStream * slower) continue;
    const double gain = all / static_cast<double>(streams) / slower;
    if (gain <= best_gain) continue;
    best_gain = gain;
    best = lengths;
  }
  return best;
}

}  // namespace pensieve::engine
