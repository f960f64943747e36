// Figures as people read them.
#pragma once

#include <cstdint>
#include <string>

#include "manager/service.h"

namespace pensieve::cli {

// "98.4 MB"; empty for 0, which stands for "nothing" in the status.
std::string size_word(std::int64_t bytes);

// "134.5 M", "6.7 B" parameters.
std::string parameters_word(std::int64_t parameters);

// "12 s", "3 min", "2 h 5 min", "4 d 3 h".
std::string duration_word(std::int64_t seconds);

// "failed: why", or the state alone.
std::string state_word(const ModelStatus& model);

// What the monitor says: "normal", "downgrade: memory 91 % used, over 85 %; up to a answers".
std::string machine_word(const MonitorStatus& monitor);

// The signals that are known: "memory 40 %, 52 C, 17.3 tok/s"; "unknown" without any.
std::string signals_word(const MonitorStatus& monitor);

// "a, b".
std::string joined(const std::vector<std::string>& parts);

}  // namespace pensieve::cli
