#include "sim/summary.h"

#include <algorithm>

#include "memory/speed.h"

namespace pensieve::sim {
namespace {

constexpr double kMinute = 60;

void count_bands(const std::vector<Served>& served, Summary& summary) {
  const auto all = static_cast<double>(std::max<std::size_t>(1, served.size()));
  std::int64_t answered = 0;
  for (const Served& one : served) {
    if (one.refused) {
      ++summary.refused;
      continue;
    }
    ++answered;
    summary.mean_success += one.success;
    const std::string_view band = memory::experience_band(one.speed);
    double& share = band == "unusable"      ? summary.unusable
                    : band == "frustrating" ? summary.frustrating
                    : band == "acceptable"  ? summary.acceptable
                    : band == "good"        ? summary.good
                                            : summary.seamless;
    share += 1 / all;
    if (&share == &summary.good || &share == &summary.seamless) summary.quality_at_good += one.success / all;
  }
  if (answered > 0) summary.mean_success /= static_cast<double>(answered);
}

void count_changes(const std::vector<Note>& notes, Summary& summary) {
  double last = -kMinute;
  for (const Note& note : notes) {
    if (note.kind != "downgrade" && note.kind != "upgrade") continue;
    ++summary.changes;
    if (note.at - last < kMinute) ++summary.changes_too_soon;
    last = note.at;
  }
}

}  // namespace

Summary summarize(std::string_view policy, const Outcome& outcome, std::int64_t loads, double swap_seconds, double hot_seconds) {
  Summary summary{.policy = std::string(policy),
                  .requests = std::ssize(outcome.served),
                  .loads = loads,
                  .swap_seconds = swap_seconds,
                  .hot_seconds = hot_seconds};
  count_bands(outcome.served, summary);
  count_changes(outcome.notes, summary);
  std::vector<double> first;
  for (const Served& one : outcome.served) {
    if (one.refused) continue;
    summary.worst_latency_s = std::max(summary.worst_latency_s, one.latency);
    first.push_back(one.first_token);
  }
  if (first.empty()) return summary;
  const auto middle = first.begin() + std::ssize(first) / 2;
  std::ranges::nth_element(first, middle);
  summary.median_first_token_s = *middle;
  return summary;
}

}  // namespace pensieve::sim
