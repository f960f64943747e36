#include <print>

#include "background.h"
#include "cli.h"
#include "client/http_client.h"

namespace pensieve::cli {

void add_start(CLI::App& app, Run& chosen) {
  add_command(app, "start", "Start the server in the background", "pensieve start", chosen, []() -> Result<void> {
    const Paths where = TRY(paths());
    const ServerRecord server = TRY(ensure_server(where));
    std::println("Pensieve {} serves at {} (pid {})", server.version, server.url, server.pid);
    return {};
  });
}

void add_stop(CLI::App& app, Run& chosen) {
  add_command(app, "stop", "Stop the server; running answers may finish", "pensieve stop", chosen, []() -> Result<void> {
    const Paths where = TRY(paths());
    const bool stopped = TRY(stop_server(where));
    std::println("{}", stopped ? "stopped" : "no server was running");
    return {};
  });
}

void add_status(CLI::App& app, Run& chosen) {
  add_command(app, "status", "Show the running server's status as JSON", "pensieve status", chosen, []() -> Result<void> {
    const Paths where = TRY(paths());
    const auto server = find_server(where);
    if (!server) return fail(ErrorCode::kUnavailable, "no server is running", "start one with `pensieve start`");
    const HttpAnswer answer = TRY(http_call(server->url + "/pensieve/v1/status", "", std::chrono::seconds(10)));
    std::println("{}", answer.body);
    return {};
  });
}

}  // namespace pensieve::cli
