// The server in the background.
#pragma once

#include <map>
#include <string>

#include "base/paths.h"
#include "base/result.h"
#include "client/server_record.h"

namespace pensieve {

// The running server, or one started now with `settings` (key -> value) beside the configuration; its
// log is <runtime>/server.log. Waits until it answers. Error: why it did not start, as it said itself.
Result<ServerRecord> ensure_server(const Paths& paths, const std::map<std::string, std::string>& settings = {});

// Ends the running server, first gently. False if none runs.
Result<bool> stop_server(const Paths& paths);

}  // namespace pensieve
