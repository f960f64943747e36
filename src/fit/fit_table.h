// The rows of `pensieve fit`: for each model what it takes, whether it fits, how fast it will be and
// what it is worth.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "gguf/model_shape.h"
#include "machine/profile.h"
#include "memory/machine_state.h"
#include "memory/plan.h"

namespace pensieve::fit {

// A model to judge, installed or not.
struct Candidate {
  std::string name;  // "mistral-7b:Q5_K_M"
  gguf::ModelShape shape;
  std::string fingerprint;  // keys its measurements; empty: there are none
  bool exact = true;        // the shape is a file's own; else the catalog's
  bool installed = false;
  Bytes projector = {};  // what seeing images takes; 0: it can't
  std::optional<double> quality;
  std::string quality_source;
  std::string claimed_tps;
};

// Speeds and the depths where they were measured.
struct Measurement {
  struct Figure {
    double tps = 0;
    std::int64_t depth = 0;
  };
  std::optional<Figure> decode;
  std::optional<Figure> prefill;
};

// Against the next smaller model of the same quality scale.
struct Worth {
  std::string against;
  double quality_gain = 0;  // 0.15: 15 % better
  double memory_factor = 1;
  double speed_factor = 1;  // 0.8: 20 % slower
  std::string verdict;      // "good" or "poor"
};

// Names and units of the JSON form: bytes, tokens, tokens a second.
struct Row {
  std::string model;
  std::int64_t file_bytes = 0;
  std::int64_t weights_bytes = 0;
  std::int64_t kv_bytes = 0;
  std::int64_t compute_bytes = 0;
  std::int64_t overhead_bytes = 0;
  std::int64_t total_bytes = 0;
  std::int64_t budget_bytes = 0;
  std::uint32_t ctx = 0;
  std::string kv_type;
  std::uint32_t parallel = 1;
  std::string verdict;
  std::string reason;
  std::uint32_t max_ctx = 0;
  double decode_tps = 0;  // predicted; corrected by what was measured, moved to this depth
  double prefill_tps = 0;
  double decode_limit_tps = 0;  // what the memory's bandwidth allows at most
  std::optional<double> measured_decode_tps;
  std::optional<std::int64_t> measured_depth;  // tokens in the cache then
  std::optional<double> measured_prefill_tps;
  std::string claimed_tps;  // the design document's, for an M1 with 16 GB
  std::string claim_note;   // why it can't hold; empty if nothing speaks against it
  std::string band;
  std::optional<double> quality;
  std::string quality_source;
  std::optional<Worth> roi;
  bool exact = true;
  bool installed = false;
};

struct Options {
  std::uint32_t context_tokens = 0;  // 0: 4096, or what the model was trained for
  std::uint32_t parallel = 1;
  std::optional<memory::CacheType> cache;
  std::int64_t depth = 1024;  // tokens in the cache at which speed is told
  // What was measured of a candidate on this machine with a cache of that type, near that depth.
  std::function<Measurement(const Candidate&, memory::CacheType, std::int64_t depth)> measured;
};

// One row for each candidate, smaller models first.
std::vector<Row> table(const std::vector<Candidate>& candidates, const MachineProfile& machine, const memory::MachineState& state,
                       const Options& options);

// What `--explain` adds up for one candidate.
memory::Plan plan_of(const Candidate& candidate, const memory::MachineState& state, const Options& options);

// Terminal and JSON forms.
std::string to_terminal(const std::vector<Row>& rows, const MachineProfile& machine, const memory::MachineState& state);
std::string to_json(const std::vector<Row>& rows, const MachineProfile& machine);
std::string explain_text(const Candidate& candidate, const memory::MachineState& state, const Options& options);

}  // namespace pensieve::fit
