// The supervisor process: puts catalog, manager and HTTP server together and runs them.
#pragma once

#include "base/paths.h"
#include "base/result.h"
#include "config/config.h"

namespace pensieve {

// Serves until SIGTERM or SIGINT, then lets running answers finish (a second signal cuts them).
// Errors: what keeps it from starting.
Result<void> run_supervisor(const Paths& paths, const Config& config);

}  // namespace pensieve
