// What fits into memory beside what is loaded, and what has to go. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "catalog/model_directory.h"
#include "config/config.h"
#include "machine/memory_probe.h"

namespace pensieve {

// A model that has a worker.
struct LoadedModel {
  std::string id;
  Bytes planned;        // what it was estimated to need
  bool busy = false;    // requests hold it
  bool pinned = false;  // stays, busy or not
  SteadyTime last_use;
  double likelihood = 0;                // of being used again; any scale
  std::chrono::milliseconds reload{0};  // what loading it took
};

struct MemoryBudget {
  Bytes limit;      // for all models together
  Bytes margin;     // of available memory, always left free
  Bytes available;  // now
};

struct RoomPlan {
  enum class Kind : std::uint8_t {
    kFits,
    kEvict,  // `victims` must be unloaded first
    kWait,   // busy models must become idle first
    kNever,  // does not fit beside the pinned models, or not even alone
  };
  Kind kind = Kind::kFits;
  std::vector<std::string> victims;  // the cheapest to lose first
};

// The context that a model is opened with: `configured` tokens, or for 0 what it was trained for, at
// most 8192.
std::int64_t planned_context(const InstalledModel& model, std::int32_t configured);

// What models may take of the memory in `reading`.
MemoryBudget memory_budget(const MemoryConfig& config, const MemoryReading& reading);

// Memory that a model needs: file, f16 cache of `context_tokens` (attention in every layer, so an
// upper bound for other layouts), compute buffers and the process itself.
Bytes estimate_need(const InstalledModel& model, std::int64_t context_tokens);

// What losing an idle model costs for each byte it gives: time to load it again, as often as it will be
// wanted. The victims are the cheapest whose memory is enough, and none of them is left out in vain.
// Weights that are mapped from the file are page cache and do not reduce `available`, so only what
// is beyond the file must fit there; the limit counts everything.
RoomPlan plan_room(Bytes need, Bytes file, const std::vector<LoadedModel>& loaded, const MemoryBudget& budget);

}  // namespace pensieve
