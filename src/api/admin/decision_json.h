// A routing decision as JSON, as `pensieve route` and /pensieve/v1/ give it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "api/admin/decision_report.h"
#include "manager/decision_log.h"
#include "selector/decision.h"

namespace pensieve::api {

// One object on one line. `model` is empty if nothing was chosen.
std::string decision_json(const selector::Decision& decision, std::string_view id, std::chrono::nanoseconds time_taken);

// The same with the name that was asked for, the time and the outcome.
std::string record_json(const DecisionRecord& record);

// How decisions did, by model, as an array.
std::string report_json(const std::vector<ModelReport>& reports);

}  // namespace pensieve::api
