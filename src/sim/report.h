// A simulation's result for programs and for people's eyes.
#pragma once

#include <string>
#include <vector>

#include "sim/simulator.h"

namespace pensieve::sim {

// {"scenario","title","machine","seed","policies":[{...summary...,"timeline":[{"at_s","kind","text"}]}]}
std::string report_json(const Scenario& scenario, const MachineProfile& machine, std::uint64_t seed, const std::vector<Outcome>& outcomes);

// One page with everything in it, no script and nothing to fetch: for each policy a plot of memory,
// temperature and speed over time with its changes marked, and the table of all.
std::string report_html(const Scenario& scenario, const MachineProfile& machine, std::uint64_t seed, const std::vector<Outcome>& outcomes);

}  // namespace pensieve::sim
