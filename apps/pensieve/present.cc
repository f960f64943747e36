#include "present.h"

#include <boost/asio/io_context.hpp>

#include "api/admin/status_json.h"
#include "base/clock.h"
#include "cli.h"
#include "client/http_client.h"
#include "manager/model_manager.h"
#include "manager/worker_session.h"
#include "open_catalog.h"
#include "planning.h"

namespace pensieve::cli {

Result<ServerRecord> running_server(const Paths& paths) {
  if (const auto server = find_server(paths)) return *server;
  return fail(ErrorCode::kUnavailable, "no server is running", "start one with `pensieve start`");
}

Result<std::string> status_text(const ServerRecord& server) {
  return http_call(server.url + "/pensieve/v1/status", "", std::chrono::seconds(10));
}

// A manager that is never started loads nothing and starts no process.
ServiceStatus status_without_server(const Paths& paths, const Config& config) {
  boost::asio::io_context loop;
  const SystemClock clock;
  Planning planning(paths, config, clock, false);
  ModelCatalog catalog = open_catalog(paths, config, planning.probe());
  WorkerSessions none(loop.get_executor(), {}, clock);
  const ModelManager manager(loop.get_executor(), config, {catalog, planning.planner(), planning.ledger(), clock, none});
  return manager.status();
}

Result<Present> present(const Paths& where) {
  if (const auto server = find_server(where)) {
    const std::string text = TRY(status_text(*server));
    return Present{TRY(api::parse_status(text)), server};
  }
  const Config settings = TRY(config(where));
  return Present{status_without_server(where, settings), std::nullopt};
}

}  // namespace pensieve::cli
