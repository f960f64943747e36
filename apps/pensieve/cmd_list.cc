// list and ps: the models that there are, and those that are loaded.
#include <algorithm>
#include <format>
#include <print>

#include "adapters_table.h"
#include "api/admin/status_json.h"
#include "available.h"
#include "catalog/adapter_store.h"
#include "cli.h"
#include "present.h"
#include "words.h"

namespace pensieve::cli {
namespace {

std::string count_word(std::int64_t count) { return count == 0 ? "" : std::format("{}", count); }

void print_skipped(const std::vector<SkippedFile>& skipped) {
  if (skipped.empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const SkippedFile& file : skipped) rows.push_back({file.path, file.reason});
  std::print("\n{}", render_table({{"SKIPPED FILE"}, {"REASON", false, true}}, rows, table_style()));
}

void print_merged(const ServiceStatus& status) {
  std::vector<std::vector<std::string>> rows;
  for (const ModelStatus& model : status.models) {
    if (!model.parents.empty()) rows.push_back({model.id, joined(model.parents)});
  }
  if (!rows.empty()) std::print("\n{}", render_table({{"MERGED MODEL"}, {"PARENTS", false, true}}, rows, table_style()));
}

void print_models(const ServiceStatus& status) {
  std::vector<std::vector<std::string>> rows;
  for (const ModelStatus& model : status.models) {
    const std::string sees = std::ranges::contains(model.capabilities, "vision") ? " + vision" : "";
    rows.push_back({model.id, joined(model.aliases), model.architecture + sees, model.quantization, size_word(model.file_bytes),
                    parameters_word(model.parameters), count_word(model.trained_context_tokens), state_word(model)});
  }
  std::print("{}", render_table({{"MODEL"},
                                 {"ROLES", false, true},
                                 {"ARCHITECTURE"},
                                 {"TYPE"},
                                 {"SIZE", true},
                                 {"PARAMETERS", true},
                                 {"CONTEXT", true},
                                 {"STATE", false, true}},
                                rows, table_style()));
}

Result<void> list(bool json) {
  const Paths where = TRY(paths());
  const ServiceStatus status = TRY(present(where)).status;
  if (json) {
    std::println("{}", api::models_json(status.models, status.skipped));
    return {};
  }
  if (status.models.empty()) {
    std::println("No model is installed. Put a .gguf file into {}", where.models.string());
  } else {
    print_models(status);
    print_merged(status);
  }
  print_skipped(status.skipped);
  const std::vector<InstalledAdapter> adapters = AdapterStore(where.data / "adapters").list();
  if (!adapters.empty()) std::print("\n{}", adapters_table(adapters, table_style()));
  return {};
}

Result<void> loaded(bool json) {
  const Paths where = TRY(paths());
  const ServerRecord server = TRY(running_server(where));
  const std::string text = TRY(status_text(server));
  ServiceStatus status = TRY(api::parse_status(text));
  std::erase_if(status.models,
                [](const ModelStatus& model) { return model.state == ModelState::kUnloaded || model.state == ModelState::kFailed; });
  if (json) {
    std::println("{}", api::models_json(status.models, {}));
    return {};
  }
  if (status.monitor.level != "normal" || !status.monitor.largest_model.empty())
    std::println("machine: {}\n", machine_word(status.monitor));
  if (status.models.empty()) {
    std::println("No model is loaded; the next request loads one.");
    return {};
  }
  std::vector<std::vector<std::string>> rows;
  for (const ModelStatus& model : status.models) {
    const bool idle = model.active_requests == 0 && model.state == ModelState::kReady;
    rows.push_back({model.id, state_word(model) + (model.pinned ? ", pinned" : ""), count_word(model.worker_pid),
                    size_word(model.weights_bytes), size_word(model.kv_bytes), size_word(model.compute_bytes),
                    size_word(model.planned_bytes), size_word(model.measured_bytes), count_word(model.context_tokens),
                    std::format("{}", model.active_requests), std::format("{}", model.waiting_requests),
                    idle ? duration_word(model.idle_seconds) : ""});
  }
  std::print("{}", render_table({{"MODEL"},
                                 {"STATE", false, true},
                                 {"PID", true},
                                 {"WEIGHTS", true},
                                 {"KV", true},
                                 {"COMPUTE", true},
                                 {"PLANNED", true},
                                 {"MEASURED", true},
                                 {"CONTEXT", true},
                                 {"ACTIVE", true},
                                 {"WAITING", true},
                                 {"IDLE", true}},
                                rows, table_style()));
  return {};
}

}  // namespace

void add_list(CLI::App& app, Run& chosen) {
  static bool json = false;
  static bool available = false;
  CLI::App* command = add_command(app, "list", "List the installed models, and the files that are skipped", "pensieve list", chosen,
                                  [] { return available ? list_available(json) : list(json); });
  command->add_flag("--available", available, "list the catalog of models that `pull` can get instead");
  command->add_flag("--json", json, "print JSON");
}

void add_ps(CLI::App& app, Run& chosen) {
  static bool json = false;
  CLI::App* command =
      add_command(app, "ps", "List the loaded models with their processes and memory", "pensieve ps", chosen, [] { return loaded(json); });
  command->add_flag("--json", json, "print JSON");
}

}  // namespace pensieve::cli
