// The scenarios that Pensieve ships (data/scenarios/).
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "sim/scenario_day.h"
#include "sim/scenario_heat.h"
#include "sim/scenario_leak.h"
#include "sim/scenario_lying_sensor.h"
#include "sim/scenario_oscillation.h"
#include "sim/scenario_ten_thousand.h"

namespace pensieve::sim {

inline constexpr auto kScenarios = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"day", kScenarioDay},
    {"heat", kScenarioHeat},
    {"leak", kScenarioLeak},
    {"lying-sensor", kScenarioLyingSensor},
    {"oscillation", kScenarioOscillation},
    {"ten-thousand", kScenarioTenThousand},
});

}  // namespace pensieve::sim
