#include "cli.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <print>
#include <utility>

namespace pensieve::cli {

CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description, const std::string& example, Run& chosen,
                      Run run) {
  CLI::App* command = app.add_subcommand(name, description);
  if (!example.empty()) command->footer("Example:\n  " + example);
  command->callback([&chosen, run = std::move(run)] { chosen = run; });
  return command;
}

Result<Paths> paths() { return find_paths(process_environment()); }

Result<Config> config(const Paths& paths, const std::map<std::string, std::string>& flags) {
  Config config = TRY(load_config(paths, process_environment()));
  for (const auto& [key, value] : flags) TRY_VOID(set_config_value(config, key, value));
  return config;
}

bool colour(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(descriptor) && (no_colour == nullptr || *no_colour == '\0');
}

void print_error(const Error& error) {
  const bool red = colour(2);
  std::println(stderr, "{}error:{} {}", red ? "\x1b[31m" : "", red ? "\x1b[0m" : "", error.text());
}

}  // namespace pensieve::cli
