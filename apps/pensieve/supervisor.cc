#include "supervisor.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <format>
#include <memory>
#include <print>
#include <utility>

#include "api/admin/event_archive.h"
#include "api/admin/measured_service.h"
#include "api/all_routes.h"
#include "api/http/server.h"
#include "base/log.h"
#include "client/server_record.h"
#include "executable.h"
#include "manager/machine_watch.h"
#include "manager/model_manager.h"
#include "manager/routing_service.h"
#include "manager/worker_session.h"
#include "open_catalog.h"
#include "planning.h"

namespace pensieve {

namespace asio = boost::asio;

namespace {

// Written and removed at start, so that a full or read-only disk is found before a request is.
Result<void> check_writable(const Paths& paths) {
  TRY_VOID(ensure_folder(paths.data));
  TRY_VOID(ensure_folder(paths.models));
  TRY_VOID(ensure_folder(paths.runtime));
  const std::filesystem::path probe = paths.data / ".writable";
  TRY_VOID(write_file_atomically(probe, std::string(4096, 'x')));
  std::error_code ignored;
  std::filesystem::remove(probe, ignored);
  return {};
}

Result<std::unique_ptr<ReadingSource>> reading_source(const MonitorConfig& config) {
  std::unique_ptr<ReadingSource> source =
      config.replay_readings.empty() ? machine_readings(system_probe()) : TRY(replayed_readings(config.replay_readings));
  if (config.record_readings.empty()) return source;
  return recorded_readings(std::move(source), config.record_readings);
}

// Events are worth keeping, but no reason not to serve.
std::unique_ptr<api::EventArchive> open_event_archive(const Paths& paths) {
  Result<std::unique_ptr<store::Database>> database = store::Database::open(paths.data / "ledger.db");
  if (database) return std::make_unique<api::EventArchive>(*std::move(database));
  spdlog::warn("events are kept in memory only: {}", database.error().text());
  return nullptr;
}

// Decisions are worth keeping, but no reason not to serve.
std::unique_ptr<api::DecisionArchive> open_archive(const Paths& paths) {
  Result<std::unique_ptr<store::Database>> database = store::Database::open(paths.data / "ledger.db");
  if (database) return std::make_unique<api::DecisionArchive>(*std::move(database));
  spdlog::warn("decisions are kept in memory only: {}", database.error().text());
  return nullptr;
}

std::string url_of(const ServerConfig& server, std::uint16_t port) {
  const bool any = server.host == "0.0.0.0" || server.host == "::";
  const std::string host = any ? "127.0.0.1" : server.host;
  return host.find(':') == std::string::npos ? std::format("http://{}:{}", host, port) : std::format("http://[{}]:{}", host, port);
}

asio::awaitable<void> until_signalled(asio::io_context& loop, api::HttpServer& http, ModelManager& manager, EventLog& events, int grace_s) {
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  co_await signals.async_wait(asio::use_awaitable);
  spdlog::info("stopping: running answers have {} s", grace_s);
  signals.async_wait([&loop](boost::system::error_code error, int) {
    if (!error) loop.stop();
  });
  events.close();  // who watches would go on until the grace is over
  co_await http.stop(std::chrono::seconds(grace_s));
  co_await manager.stop();
  loop.stop();
}

void bound_resources() {
#ifdef __GLIBC__
  // One thread, one arena; freed request bodies go back to the system.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
}

}  // namespace

Result<void> run_supervisor(const Paths& paths, const Config& given) {
  Config config = given;
  if (config.cache.folder.empty()) config.cache.folder = (paths.data / "kv").string();
  TRY_VOID(start_logging(config.log.level, "serve"));
  bound_resources();
  TRY_VOID(check_writable(paths));
  const ServerLock lock = TRY(ServerLock::take(paths));
  const std::string program = TRY(executable_path());

  asio::io_context loop(1);
  const SystemClock clock;
  Planning planning(paths, config, clock, true);
  ModelCatalog catalog = open_catalog(paths, config, planning.probe());
  ModelLibrary library(catalog, models_folder(paths, config), paths.data / "model_names.toml");
  WorkerSessions workers(loop.get_executor(),
                         {.program = program,
                          .arguments = {"worker", "--log-level", config.log.level},
                          .hang_timeout = std::chrono::seconds(config.engine.hang_timeout_s),
                          .step_timeout = std::chrono::seconds(config.engine.step_timeout_s)},
                         clock);
  ModelManager manager(loop.get_executor(), config, {catalog, planning.planner(), planning.ledger(), clock, workers});
  api::Metrics metrics;
  RoutingService routing(manager, catalog, clock,
                         {.policy = selector_policy(config.routing),
                          .defaults = requirement_defaults(config.routing),
                          .planner = planning.planner(),
                          .tiers = tier_policy(config.tiers)});
  const std::unique_ptr<api::DecisionArchive> archive = open_archive(paths);
  if (archive) archive->begin();
  if (archive) routing.log().on_change([&archive](const DecisionRecord& record) { archive->keep(record); });
  MonitoredService monitored(routing, config.engine, clock);
  EventLog events(loop.get_executor());
  const std::unique_ptr<api::EventArchive> event_archive = open_event_archive(paths);
  if (event_archive) events.on_event([&event_archive](const ServerEvent& event) { event_archive->keep(event); });
  MachineWatch watch(loop.get_executor(), config.monitor, TRY(reading_source(config.monitor)),
                     {manager, routing, monitored, events, clock});
  api::MeasuredService measured(monitored, metrics, clock);
  std::vector<api::Route> routes = api::all_routes({measured,
                                                    routing,
                                                    library,
                                                    archive.get(),
                                                    metrics,
                                                    events,
                                                    {.ping_interval = std::chrono::seconds(config.server.ping_interval_s)},
                                                    PENSIEVE_VERSION});
  api::HttpServer http(loop.get_executor(), config.server, std::move(routes), clock);
  TRY_VOID(http.start());
  const ProcessIdentity self = this_process();
  const std::string url = url_of(config.server, http.port());
  TRY_VOID(write_server_record(paths, {self.pid, self.start_time, url, PENSIEVE_VERSION}));
  spdlog::info("Pensieve {} listens on {} (models: {})", PENSIEVE_VERSION, url, paths.models.string());
  for (const SkippedFile& file : catalog.skipped()) spdlog::warn("skipped {}: {}", file.path, file.reason);
  manager.start();
  if (config.monitor.enabled) watch.start(config.monitor.replay_readings.empty());
  asio::co_spawn(loop, until_signalled(loop, http, manager, events, config.server.stop_grace_s), asio::detached);
  loop.run();
  remove_server_record(paths);
  spdlog::info("stopped");
  return {};
}

}  // namespace pensieve
