// A day, or a part of one, on a machine: what other programs take of it, what is asked of the server,
// and which sensors lie. Data files (data/scenarios/, docs/simulation.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "selector/assessment.h"

namespace pensieve::sim {

// Other programs at one moment; in between everything changes evenly.
struct OthersPoint {
  double minute = 0;
  Bytes memory;
  double bandwidth = 0;  // share of the memory's that they take, 0..0.9
  double heat = 0;       // share of the heat that the processor can make, 0..1
};

// Requests of one kind, spread at random over a time.
struct Phase {
  std::string name;
  double from = 0;  // minutes
  double to = 0;
  std::int64_t requests = 0;
  std::array<double, 3> classes = {1, 1, 1};                 // weights of simple, medium, complex
  std::vector<std::pair<selector::Domain, double>> domains;  // weights
  std::array<std::int64_t, 2> prompt_tokens = {50, 800};     // of a message: least, most
  std::array<std::int64_t, 2> answer_tokens = {50, 400};
  std::int64_t turns = 1;      // messages of one conversation; each brings the earlier ones along
  double maximum_quality = 0;  // share of requests that ask for the highest quality
};

// What a sensor says instead of the truth.
struct Lie {
  double from = 0;  // minutes
  double to = 0;
  std::optional<Celsius> temperature;
  std::optional<double> memory_percent;
};

struct Scenario {
  std::string name;
  std::string title;
  std::vector<std::string> models;  // of the catalog: NAME or NAME:QUANTIZATION
  double minutes = 0;
  Celsius ambient{25};
  double min_tokens_per_second = 0;  // routing.min_tokens_per_second of Pensieve's policy
  std::vector<OthersPoint> others;   // by time, at least one
  std::vector<Phase> phases;
  std::vector<Lie> lies;

  [[nodiscard]] OthersPoint others_at(double minute) const;
  [[nodiscard]] std::int64_t requests() const;
};

// Error kInvalidArgument naming the file's line or the entry.
Result<Scenario> parse_scenario(std::string_view toml, std::string name);

// The scenarios that Pensieve ships. Error kNotFound of `shipped_scenario` lists their names.
std::vector<std::string> shipped_scenario_names();
Result<Scenario> shipped_scenario(std::string_view name);

}  // namespace pensieve::sim
