#include "sim/sim_machine.h"

#include <algorithm>
#include <cmath>

namespace pensieve::sim {

SimMachine::SimMachine(const MachineProfile& profile, const Scenario& scenario, const Physics& physics)
    : profile_(profile),
      scenario_(scenario),
      physics_(physics),
      temperature_(scenario.ambient.value + physics.idle_rise),
      others_(scenario.others_at(0)) {}

void SimMachine::advance(double seconds, double duty, Bytes models) {
  now_ += seconds;
  others_ = scenario_.others_at(now_ / 60);
  const double work = std::clamp(duty + others_.heat, 0.0, 1.15);
  const double target = scenario_.ambient.value + physics_.idle_rise + (physics_.full_rise - physics_.idle_rise) * work;
  temperature_ += (target - temperature_) * (1 - std::exp(-seconds / physics_.warming_seconds));
  // Work touches what lies in swap again and again; without it only little moves.
  const double touched = 0.01 + 0.99 * std::clamp(duty, 0.0, 1.0);
  const double moved = std::min(static_cast<double>(swapped(models).value), physics_.swap_bytes_per_second);
  swap_pages_ = moved * touched / physics_.page_bytes;
}

Bytes SimMachine::swapped(Bytes models) const { return std::max(Bytes{0}, physics_.swap_below - available(models)); }

double SimMachine::speed_share() const {
  const double hot = std::clamp((temperature_ - physics_.throttle_from) / (physics_.throttle_to - physics_.throttle_from), 0.0, 1.0);
  return (1 - others_.bandwidth) * (1 - hot * (1 - physics_.throttled_speed));
}

monitor::Sample SimMachine::sample(Bytes models, std::optional<TokensPerSecond> speed) const {
  monitor::Sample sample{.at = SteadyTime{std::chrono::nanoseconds(std::llround(now_ * 1e9))},
                         .source = "simulation",
                         .memory_total = profile_.memory,
                         .memory_available = std::max(Bytes{0}, available(models)),
                         .swap_pages_per_second = swap_pages_,
                         .temperature = Celsius{temperature_},
                         .thermal_level = temperature_ >= physics_.throttle_to     ? 2
                                          : temperature_ >= physics_.throttle_from ? 1
                                                                                   : 0,
                         .speed = speed};
  for (const Lie& lie : scenario_.lies) {
    if (now_ < lie.from * 60 || now_ >= lie.to * 60) continue;
    if (lie.temperature) sample.temperature = lie.temperature;
    if (lie.memory_percent) {
      sample.memory_available = Bytes{std::llround(static_cast<double>(profile_.memory.value) * (1 - *lie.memory_percent / 100))};
    }
  }
  return sample;
}

}  // namespace pensieve::sim
