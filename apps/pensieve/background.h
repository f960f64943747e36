// The server in the background.
#pragma once

#include <string>

#include "base/paths.h"
#include "base/result.h"
#include "client/server_record.h"

namespace pensieve {

// The running server, or one started now (its log is <runtime>/server.log). Waits until it answers.
// Error: why it did not start, with the end of its log.
Result<ServerRecord> ensure_server(const Paths& paths);

// Ends the running server, first gently. False if none runs.
Result<bool> stop_server(const Paths& paths);

}  // namespace pensieve
