#include "cli.h"
#include "supervisor.h"

namespace pensieve::cli {

void add_config_flags(CLI::App& command, std::map<std::string, std::string>& flags) {
  static const std::map<std::string, std::string> kShort = {{"server.port", "--port"},
                                                            {"server.host", "--host"},
                                                            {"server.api_keys", "--api-key"},
                                                            {"models.folder", "--models"},
                                                            {"engine.context_tokens", "--ctx"},
                                                            {"engine.threads", "--threads"},
                                                            {"log.level", "--log-level"},
                                                            {"monitor.replay_readings", "--replay-readings"},
                                                            {"monitor.record_readings", "--record-readings"}};
  for (const ConfigEntry& entry : describe_config({})) {
    const auto found = kShort.find(entry.key);
    const std::string names = (found == kShort.end() ? "" : found->second + ",") + "--" + entry.key;
    command
        .add_option_function<std::string>(
            names, [&flags, key = entry.key](const std::string& value) { flags[key] = value; }, entry.help)
        ->type_name("")
        ->group(found == kShort.end() ? "All settings" : "Options");
  }
}

void add_serve(CLI::App& app, Run& chosen) {
  static std::map<std::string, std::string> flags;
  CLI::App* command =
      add_command(app, "serve", "Run the server in the foreground", "pensieve serve --port 9000", chosen, []() -> Result<void> {
        const Paths where = TRY(paths());
        return run_supervisor(where, TRY(config(where, flags)));
      });
  add_config_flags(*command, flags);
}

}  // namespace pensieve::cli
