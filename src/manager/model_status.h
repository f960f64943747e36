// ModelStatus of what the manager knows about a model. Reads nothing but the worker's memory use.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "config/config.h"
#include "manager/resident_table.h"
#include "manager/service.h"

namespace pensieve {

// `resident` is null for a model that nobody asked for yet.
ModelStatus describe_model(const InstalledModel& model, const Resident* resident, const EngineConfig& engine, SteadyTime now);

// Whole seconds from `from` to `to`.
std::int64_t seconds_between(SteadyTime from, SteadyTime to);

// Seconds without use after which the model is unloaded; negative: never.
std::int64_t idle_limit_seconds(const Resident& resident, const EngineConfig& engine);

}  // namespace pensieve
