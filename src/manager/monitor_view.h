// Between PerformanceMonitor and the rest of the server: its settings, its models, what is shown of it.
#pragma once

#include "config/config.h"
#include "manager/monitor_status.h"
#include "manager/routing_service.h"
#include "monitor/monitor.h"
#include "selector/fleet.h"

namespace pensieve {

monitor::MonitorPolicy monitor_policy(const MonitorConfig& config);

// The models that this machine could serve, as the monitor steps through them. `last_model`: that wrote
// the latest answer; it counts as in use while no other is busy.
monitor::Ladder ladder_of(const selector::FleetSnapshot& fleet, const std::vector<ModelStatus>& models, std::string_view last_model);

// What the choice of models is to know.
MachineView machine_view(const monitor::PerformanceMonitor& monitor, const monitor::Ladder& ladder);

// All but the queue and the events.
MonitorStatus monitor_status(const monitor::PerformanceMonitor& monitor);

ServerEvent event_of(const monitor::Change& change, std::int64_t at_unix_ms);

}  // namespace pensieve
