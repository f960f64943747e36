// The service's status as JSON: snake_case names, bytes as integers, states as words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "manager/service.h"

namespace pensieve::api {

// Everything (GET /pensieve/v1/status).
std::string status_json(const ServiceStatus& status);

// A status that status_json wrote, as a client reads it; unknown fields are left out, so that a command
// understands a newer server. Error kInvalidArgument: no such JSON.
Result<ServiceStatus> parse_status(std::string_view json);

// {"models":[...],"skipped":[...]}, each as it stands in the status.
std::string models_json(const std::vector<ModelStatus>& models, const std::vector<SkippedFile>& skipped);

// One model, as it stands in the status.
std::string model_json(const ModelStatus& model);

// One event on one line.
std::string event_json(const ServerEvent& event);

// GET /health:
// {"status","model","model_state","memory_used_bytes","memory_total_bytes","uptime_seconds",
// "score","level"}. `status` is
// "ok", or "no_model" while there is nothing to answer with; `model` is what `auto` leads to, or
// null. Memory is the machine's. `score` is the performance monitor's, null until it has measured;
// `level` is its level.
std::string health_json(const ServiceStatus& status);

}  // namespace pensieve::api
