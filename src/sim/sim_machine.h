// A machine in virtual time: memory that fills up and falls off the swap cliff, a processor that heats
// up and slows down, bandwidth that other programs share.
#pragma once

#include "machine/profile.h"
#include "monitor/signals.h"
#include "sim/scenario.h"

namespace pensieve::sim {

// The constants of the simulation, each with where it comes from (docs/simulation.md).
struct Physics {
  // Below this much free memory the system swaps (FACTS.md section 3: compression first, swap at 0.4 of
  // what is not wired).
  Bytes swap_below{300'000'000};
  double swap_bytes_per_second = 1.5e9;  // what is swapped out is read back at the SSD's speed for every token
  double page_bytes = 16'384;
  double load_bytes_per_second = 2.0e9;  // an SSD
  double load_start_seconds = 0.4;
  // A fanless laptop: over the ambient temperature when idle, at full work, and time to get there.
  double idle_rise = 15;
  double full_rise = 75;
  double warming_seconds = 150;
  // The system throttles from the first to the second temperature, down to this share of the speed (the
  // design document: 20 to 40 % less).
  double throttle_from = 90;
  double throttle_to = 100;
  double throttled_speed = 0.62;
};

class SimMachine {
 public:
  SimMachine(const MachineProfile& profile, const Scenario& scenario, const Physics& physics);

  // Moves the clock by `seconds`, in which models were at work for the share `duty` of the time.
  void advance(double seconds, double duty, Bytes models);

  // The truth.
  [[nodiscard]] double now() const { return now_; }
  [[nodiscard]] Bytes available(Bytes models) const { return profile_.memory - others_.memory - models; }
  // What does not fit in memory and lies in swap.
  [[nodiscard]] Bytes swapped(Bytes models) const;
  [[nodiscard]] double temperature() const { return temperature_; }
  // Share of the calm machine's speed that is left by other programs and heat.
  [[nodiscard]] double speed_share() const;
  [[nodiscard]] const MachineProfile& profile() const { return profile_; }
  [[nodiscard]] const Physics& physics() const { return physics_; }

  // What the sensors say of it, lies included.
  [[nodiscard]] monitor::Sample sample(Bytes models, std::optional<TokensPerSecond> speed) const;

 private:
  MachineProfile profile_;
  const Scenario& scenario_;
  Physics physics_;
  double now_ = 0;
  double temperature_;
  double swap_pages_ = 0;  // a second
  OthersPoint others_;
};

}  // namespace pensieve::sim
