// How fast this machine's kernels are, format by format: a few made-up models are run for some
// tokens. What comes out predicts real models before any was run.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pensieve::engine {

struct KernelSpeed {
  std::map<std::string, double> decode_bytes;  // weight bytes a second as they stream from memory, by format ("Q4_0")
  std::map<std::string, double> prefill_macs;  // multiply-adds a second in reading a prompt
  double layer_seconds = 0;                    // fixed cost of one layer of one step, of the usual make
  double attention_macs = 0;                   // multiply-adds a second of decoding's attention
};

// Takes some seconds and 150 MB of disk in `folder`, given back at the end. `progress` is told each
// format before it is measured. Call initialise_backends() first. Errors: kIo (disk),
// kUnsupported (libllama refuses the models).
Result<KernelSpeed> measure_kernels(const std::filesystem::path& folder, int threads,
                                    const std::function<void(std::string_view)>& progress);

}  // namespace pensieve::engine
