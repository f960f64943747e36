// A machine's fixed figures: what plans and predictions are made from.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace pensieve {

// Bytes a second and operations a second, each as sustained by the inference engine.
struct MachineProfile {
  std::string name;          // "m1-16gb"
  std::string title;         // "Apple M1, 16 GB"
  Bytes memory;              // in all
  Bytes gpu_memory;          // of a card of its own; 0: none, or the memory is shared
  Bytes gpu_working_set;     // most that the GPU may hold of shared memory; 0: no such limit
  bool unified = false;      // GPU and CPU share the memory
  double bandwidth = 0;      // bytes a second of the memory that holds the weights, nominal
  double efficiency = 0;     // share of it that decoding reaches
  double prefill_flops = 0;  // operations a second that reading a prompt reaches
  // Kernel speeds of a measured machine, by format: weight bytes a second in decoding, multiply-adds
  // a second in reading a prompt. Empty: the memory's bandwidth decides.
  std::map<std::string, double, std::less<>> decode_bytes;
  std::map<std::string, double, std::less<>> prefill_macs;
  double operation_seconds = 0;  // fixed cost of one operation of a step's graph: threads meet after each
  double attention_macs = 0;     // multiply-adds a second of decoding's attention; 0: the cache's bytes decide
  std::string source;            // where the figures come from
};

// The profiles that Pensieve ships (data/machines.toml).
Result<std::vector<MachineProfile>> parse_profiles(std::string_view toml);
const std::vector<MachineProfile>& known_profiles();

// One of them by name. Error kNotFound lists the names.
Result<MachineProfile> find_profile(std::string_view name);

// The shipped profile of a CPU by the name that the system gives it ("Apple M1 Pro") and its memory;
// the generic one if none fits. Its memory is `memory`.
MachineProfile profile_for(std::string_view cpu_name, Bytes memory);

}  // namespace pensieve
