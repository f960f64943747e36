// The machine that a command plans for, and the models that it judges.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli.h"
#include "fit/fit_table.h"
#include "manager/performance_ledger.h"

namespace pensieve::cli {

struct ChosenMachine {
  MachineProfile profile;
  memory::MachineState state;
  std::shared_ptr<PerformanceLedger> ledger;  // of the running machine; null for a profile
};

// The profile of that name, or the running machine as it is now (empty name), with the configured
// limits and what `measure_machine` once found.
Result<ChosenMachine> choose_machine(const std::string& name, const Paths& paths, const Config& config);

// Measures the running machine's kernels for some seconds and keeps the figures in the ledger.
Result<void> measure_machine(const Paths& paths, const Config& config);

// Shape of a model on a server, from the headers of all its parts; what of them was read.
struct RemoteShape {
  gguf::ModelShape shape;  // empty for a projector
  bool is_projector = false;
  Bytes fetched;
};
Result<RemoteShape> remote_shape(const std::string& url, const std::string& bearer);

// What a person names: an installed model's id, a path, a URL, or NAME[:QUANT] of the catalog. The
// file's own header is read where there is one.
Result<fit::Candidate> find_candidate(const std::string& what, const Paths& paths, const Config& config);

// The whole catalog (each model's usual file) and what is installed.
std::vector<fit::Candidate> all_candidates(const Paths& paths, const Config& config);

}  // namespace pensieve::cli
