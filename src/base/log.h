// The one logger: lines on stderr, which `pensieve start` sends to the log file.
#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

#include "base/result.h"

namespace pensieve {

// Sets level ("trace", "debug", "info", "warn", "error", "off") and line format; `process` names
// the process in each line ("serve", "worker 1234"). Log with spdlog::info("...", ...) afterwards.
// Never log prompt or answer text above trace.
Result<void> start_logging(std::string_view level, std::string_view process);

}  // namespace pensieve
