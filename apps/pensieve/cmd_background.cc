// start, stop and status: the server in the background.
#include <algorithm>
#include <format>
#include <glaze/glaze.hpp>
#include <print>

#include "api/admin/status_json.h"
#include "background.h"
#include "cli.h"
#include "present.h"
#include "words.h"

namespace pensieve::cli {
namespace background_json {  // glaze reads the names of fields only of types with linkage

struct Started {
  std::string url;
  std::int64_t pid = 0;
  std::string version;
  bool already_running = false;
};

struct Stopped {
  bool stopped = false;
};

}  // namespace background_json
namespace {

constexpr std::size_t kShownEvents = 5;

Result<void> start(const std::map<std::string, std::string>& flags, bool json) {
  const Paths where = TRY(paths());
  TRY_VOID(config(where, flags));
  const bool running = find_server(where).has_value();
  if (running && !flags.empty()) {
    return fail(ErrorCode::kUnavailable, "a server is running already, so the settings given here have no effect",
                "`pensieve stop` first, or leave them out");
  }
  const ServerRecord server = TRY(ensure_server(where, flags));
  if (json) {
    const background_json::Started started{server.url, server.pid, server.version, running};
    std::println("{}", glz::write_json(started).value_or("{}"));
  } else {
    std::println("Pensieve {} serves at {} (pid {})", server.version, server.url, server.pid);
  }
  return {};
}

std::string memory_line(const ServiceStatus& status) {
  return std::format("{} of {} available, server {}", to_text(Bytes{status.memory_available}), to_text(Bytes{status.memory_total}),
                     to_text(Bytes{status.supervisor_resident_bytes}));
}

std::string requests_line(const ServiceStatus& status) {
  std::int64_t active = 0;
  std::int64_t waiting = 0;
  for (const ModelStatus& model : status.models) {
    active += model.active_requests;
    waiting += model.waiting_requests;
  }
  return std::format("{} running, {} waiting, {} in all, {} failed", active, waiting, status.requests_total, status.requests_failed);
}

void print_status(const ServerRecord& server, const ServiceStatus& status) {
  const std::vector<std::pair<std::string, std::string>> facts = {
      {"server",
       std::format("Pensieve {} at {} (pid {}), up {}", server.version, server.url, server.pid, duration_word(status.uptime_seconds))},
      {"machine", machine_word(status.monitor)},
      {"signals", signals_word(status.monitor)},
      {"memory", memory_line(status)},
      {"auto", status.default_model.empty() ? "no model is installed" : "leads to " + status.default_model},
      {"requests", requests_line(status)},
      {"tokens", std::format("{} read ({} of them from cache), {} answered", status.prompt_tokens_total, status.cached_prompt_tokens_total,
                             status.completion_tokens_total)},
      {"workers", std::format("{} spare, {} lost", status.spare_workers, status.workers_lost)}};
  std::print("{}", render_facts(facts, table_style()));
  if (status.models.empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const ModelStatus& model : status.models) {
    rows.push_back({model.id, joined(model.aliases), size_word(model.file_bytes), size_word(model.resident_bytes), state_word(model)});
  }
  std::print("\n{}", render_table({{"MODEL"}, {"ROLES", false, true}, {"SIZE", true}, {"RESIDENT", true}, {"STATE", false, true}}, rows,
                                  table_style()));
  for (std::size_t i = 0; i < std::min<std::size_t>(kShownEvents, status.monitor.events.size()); ++i) {
    const ServerEvent& event = status.monitor.events[i];
    if (i == 0) std::println("\nlately:");
    std::println("  {:<9} {} -> {}{}{}", event.kind, event.from, event.to, event.model.empty() ? "" : " " + event.model,
                 event.reason.empty() ? "" : ": " + event.reason);
  }
  if (!status.skipped.empty()) std::println("\nskipped files: {}; `pensieve list` says why", status.skipped.size());
}

Result<void> show_status(bool json) {
  const Paths where = TRY(paths());
  const ServerRecord server = TRY(running_server(where));
  const std::string text = TRY(status_text(server));
  if (json) {
    std::println("{}", text);
    return {};
  }
  print_status(server, TRY(api::parse_status(text)));
  return {};
}

Result<void> stop(bool json) {
  const Paths where = TRY(paths());
  const bool stopped = TRY(stop_server(where));
  if (json) {
    std::println("{}", glz::write_json(background_json::Stopped{stopped}).value_or("{}"));
  } else {
    std::println("{}", stopped ? "stopped" : "no server was running");
  }
  return {};
}

}  // namespace

void add_start(CLI::App& app, Run& chosen) {
  static std::map<std::string, std::string> flags;
  static bool json = false;
  CLI::App* command = add_command(app, "start", "Start the server in the background", "pensieve start --port 9000", chosen,
                                  [] { return start(flags, json); });
  command->add_flag("--json", json, "print JSON");
  add_config_flags(*command, flags);
}

void add_stop(CLI::App& app, Run& chosen) {
  static bool json = false;
  CLI::App* command =
      add_command(app, "stop", "Stop the server; running answers may finish", "pensieve stop", chosen, [] { return stop(json); });
  command->add_flag("--json", json, "print JSON");
}

void add_status(CLI::App& app, Run& chosen) {
  static bool json = false;
  CLI::App* command = add_command(app, "status", "Show the running server, its models, memory and queue", "pensieve status", chosen,
                                  [] { return show_status(json); });
  command->add_flag("--json", json, "print JSON");
}

}  // namespace pensieve::cli
