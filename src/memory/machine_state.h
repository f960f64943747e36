// What a machine has and what of it is free, as planning sees it.
#pragma once

#include "base/units.h"
#include "machine/machine_probe.h"
#include "machine/profile.h"

namespace pensieve::memory {

struct MachineState {
  Bytes total;
  Bytes available;        // for new allocations now, without swapping
  Bytes ours;             // that our loaded models hold
  Bytes limit;            // for all models together
  Bytes margin;           // of the available memory, always left free
  Bytes gpu_working_set;  // most that the GPU may hold of shared memory; 0: no such limit
  Bytes gpu_memory;       // free on a card of its own; 0: none
  Bytes swap_free;
  bool unified = false;
  bool tiles = false;  // the CPU's kernels keep weights in tiles of their own

  // What others use is everything that is neither available nor ours.
  [[nodiscard]] Bytes others() const { return total - available - ours; }
};

// The policy of the design: 12 GB of a 16 GB machine for models, 2 GB always free.
Bytes default_limit(Bytes total);
inline constexpr Bytes kDefaultMargin = gigabytes(2);

// What a person sets: 0 bytes of limit: default_limit.
struct MemoryPolicy {
  Bytes limit;
  Bytes margin = kDefaultMargin;
};

// The running machine by a reading. The margin is at most an eighth of the memory: small machines
// would otherwise have nothing left but the margin.
MachineState running_state(const MachineReading& reading, const MachineIdentity& identity, const MemoryPolicy& policy);

// A machine of this profile with the usual programs running and no model loaded.
MachineState idle_state(const MachineProfile& profile);

}  // namespace pensieve::memory
