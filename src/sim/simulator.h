// Runs a policy through a scenario in virtual time. Deterministic: the same scenario, seed and policy
// give the same result on every machine.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "sim/policy.h"
#include "sim/scenario.h"
#include "sim/workload.h"

namespace pensieve::sim {

// What became of one request.
struct Served {
  double arrival = 0;  // seconds
  bool refused = false;
  std::size_t model = 0;
  double success = 0;      // estimated probability that the answer is good
  double first_token = 0;  // seconds from the arrival
  double latency = 0;      // to the whole answer
  TokensPerSecond speed;   // of writing
};

// The machine at one moment, for plots.
struct Moment {
  double minute = 0;
  double others_gb = 0;
  double models_gb = 0;
  double swapped_gb = 0;
  double temperature = 0;
  double speed = 0;  // 0: nothing is being written
};

struct Summary {
  std::string policy;
  std::int64_t requests = 0;
  std::int64_t refused = 0;
  // Shares of all requests.
  double unusable = 0;
  double frustrating = 0;
  double acceptable = 0;
  double good = 0;
  double seamless = 0;
  double quality_at_good = 0;  // mean over all requests of the success of those at good or better
  double mean_success = 0;     // of those that were answered
  std::int64_t loads = 0;
  std::int64_t changes = 0;           // downgrades and upgrades
  std::int64_t changes_too_soon = 0;  // of which within a minute of the one before
  double swap_seconds = 0;            // with models in memory and swap in use
  double hot_seconds = 0;             // in which the system throttled
  double worst_latency_s = 0;
  double median_first_token_s = 0;
};

struct Outcome {
  Summary summary;
  std::vector<Served> served;   // by the end of their answers
  std::vector<Note> notes;      // by time, the first kMostNotes
  std::vector<Moment> moments;  // one a minute
};
inline constexpr std::size_t kMostNotes = 2000;

// `models` are the scenario's, `requests` those of draw_requests().
Outcome simulate(const Scenario& scenario, const MachineProfile& machine, const std::vector<SimModel>& models,
                 const std::vector<SimRequest>& requests, Policy& policy);

// The models of a scenario. Error kNotFound: not in the catalog.
Result<std::vector<SimModel>> scenario_models(const Scenario& scenario, const MachineProfile& machine);

}  // namespace pensieve::sim
