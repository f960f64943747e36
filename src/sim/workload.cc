#include "sim/workload.h"

#include <algorithm>
#include <random>

namespace pensieve::sim {
namespace {

using selector::TaskClass;

// A generator of its own on top of the engine: the standard's distributions differ between libraries,
// and a seed must mean the same day everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  double share() { return static_cast<double>(random_() >> 11U) * 0x1.0p-53; }  // in [0, 1)
  double between(double low, double high) { return low + (high - low) * share(); }
  std::int64_t between(const std::array<std::int64_t, 2>& range) {
    return range[0] + static_cast<std::int64_t>(share() * static_cast<double>(range[1] - range[0] + 1));
  }
  // Index of a weight, by weight.
  template <typename Weights, typename Weight>
  std::size_t pick(const Weights& weights, Weight weight) {
    double sum = 0;
    for (const auto& one : weights) sum += weight(one);
    double left = share() * sum;
    std::size_t index = 0;
    for (const auto& one : weights) {
      left -= weight(one);
      if (left < 0) return index;
      ++index;
    }
    return index > 0 ? index - 1 : 0;
  }

 private:
  std::mt19937_64 random_;
};

// Difficulties as the assessor gives them to tasks of a class.
double difficulty_of(TaskClass task_class, Dice& dice) {
  switch (task_class) {
    case TaskClass::kSimple:
      return dice.between(0.02, 0.3);
    case TaskClass::kMedium:
      return dice.between(0.3, 0.65);
    case TaskClass::kComplex:
      return dice.between(0.65, 0.98);
  }
  return 0.5;
}

SimRequest draw_one(const Phase& phase, Dice& dice) {
  SimRequest request;
  request.task.task_class = static_cast<TaskClass>(dice.pick(phase.classes, [](double weight) { return weight; }));
  request.task.difficulty = request.task.score = difficulty_of(request.task.task_class, dice);
  request.task.domain = phase.domains[dice.pick(phase.domains, [](const auto& one) { return one.second; })].first;
  request.task.needs.prompt_tokens = dice.between(phase.prompt_tokens);
  request.answer_tokens = dice.between(phase.answer_tokens);
  request.task.needs.answer_tokens = request.answer_tokens;
  const bool maximum = dice.share() < phase.maximum_quality;
  request.requirement.quality = maximum ? Quality::kMaximum : Quality::kHigh;
  return request;
}

}  // namespace

std::vector<SimRequest> draw_requests(const Scenario& scenario, std::uint64_t seed) {
  Dice dice(seed);
  std::vector<SimRequest> requests;
  std::uint64_t conversation = 0;
  for (const Phase& phase : scenario.phases) {
    // Arrival times first, in order; then they are dealt out to conversations.
    std::vector<double> arrivals(static_cast<std::size_t>(phase.requests));
    for (double& arrival : arrivals) arrival = 60 * dice.between(phase.from, phase.to);
    std::ranges::sort(arrivals);
    std::int64_t turn = 0;
    std::int64_t before = 0;
    for (const double arrival : arrivals) {
      if (turn == 0) {
        ++conversation;
        before = 0;
      }
      SimRequest request = draw_one(phase, dice);
      request.arrival = arrival;
      request.conversation = conversation;
      request.task.needs.prompt_tokens += before;
      before = request.task.needs.prompt_tokens + request.answer_tokens;
      requests.push_back(request);
      turn = (turn + 1) % phase.turns;
    }
  }
  std::ranges::stable_sort(requests, {}, &SimRequest::arrival);
  return requests;
}

}  // namespace pensieve::sim
