// ModelStatus of what the manager knows about a model. Reads nothing but the worker's memory use.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "manager/resident_table.h"
#include "manager/service.h"

namespace pensieve {

// `resident` is null for a model that nobody asked for yet; `wished_context` is what a load aims at and
// `parallel` how many requests run at once.
ModelStatus describe_model(const InstalledModel& model, const Resident* resident, std::int64_t wished_context, std::int32_t parallel,
                           SteadyTime now);

// Whole seconds from `from` to `to`.
std::int64_t seconds_between(SteadyTime from, SteadyTime to);

// Seconds without use after which the model is unloaded, where `configured` (0: never) holds unless
// somebody wished otherwise; negative: never.
std::int64_t idle_limit_seconds(const Resident& resident, std::int64_t configured);

}  // namespace pensieve
