// Health, metrics, status and control of models.
#pragma once

#include <string>
#include <vector>

#include "api/http/exchange.h"
#include "manager/service.h"

namespace pensieve::api::admin {

// GET /, /health, /metrics, /pensieve/v1/status and POST /pensieve/v1/models/{id}/load|unload.
std::vector<Route> routes(GenerationService& service, std::string version);

// The status as JSON, for people and programs.
std::string status_json(const ServiceStatus& status, const std::string& version);

}  // namespace pensieve::api::admin
