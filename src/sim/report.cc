#include "sim/report.h"

#include <glaze/glaze.hpp>

namespace pensieve::sim {
namespace report_json_types {  // glaze reads the names of fields only of types with linkage

struct Entry {
  double at_s = 0;
  std::string kind;
  std::string text;
};

struct Policy {
  Summary summary;
  std::vector<Entry> timeline;
};

struct Report {
  std::string scenario;
  std::string title;
  std::string machine;
  std::uint64_t seed = 0;
  std::vector<Policy> policies;
};

}  // namespace report_json_types

std::string report_json(const Scenario& scenario, const MachineProfile& machine, std::uint64_t seed, const std::vector<Outcome>& outcomes) {
  report_json_types::Report report{scenario.name, scenario.title, machine.name, seed, {}};
  for (const Outcome& outcome : outcomes) {
    report_json_types::Policy& policy = report.policies.emplace_back();
    policy.summary = outcome.summary;
    for (const Note& note : outcome.notes) policy.timeline.push_back({note.at, note.kind, note.text});
  }
  return glz::write_json(report).value_or("{}");
}

}  // namespace pensieve::sim
