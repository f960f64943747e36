// What is installed and loaded now, for the commands that show it.
#pragma once

#include <optional>
#include <string>

#include "base/paths.h"
#include "client/server_record.h"
#include "config/config.h"
#include "manager/service.h"

namespace pensieve::cli {

// The running server; error kUnavailable if there is none.
Result<ServerRecord> running_server(const Paths& paths);

// The running server's status as it sends it.
Result<std::string> status_text(const ServerRecord& server);

// What a server with this configuration would tell before it loads anything.
ServiceStatus status_without_server(const Paths& paths, const Config& config);

struct Present {
  ServiceStatus status;
  std::optional<ServerRecord> server;  // that told it
};

// From the running server, or without one.
Result<Present> present(const Paths& paths);

}  // namespace pensieve::cli
