#include "cli.h"

#include <sys/ioctl.h>
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
  command->callback([&chosen, command, run = std::move(run)] {
    if (command->get_subcommands().empty()) chosen = run;
  });
  return command;
}

Result<Paths> paths() { return find_paths(process_environment()); }

Result<Config> config(const Paths& paths, const std::map<std::string, std::string>& flags) {
  Config config = TRY(load_config(paths, process_environment()));
  for (const auto& [key, value] : flags) TRY_VOID(set_config_value(config, key, value));
  return config;
}

bool is_terminal(int descriptor) { return isatty(descriptor) == 1; }

bool colour(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return is_terminal(descriptor) && (no_colour == nullptr || *no_colour == '\0') &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

TableStyle table_style() {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return {.width = known ? size.ws_col : 0, .colour = colour(STDOUT_FILENO)};
}

void print_error(const Error& error) {
  const bool red = colour(STDERR_FILENO);
  std::println(stderr, "{}error:{} {}", red ? "\x1b[31m" : "", red ? "\x1b[0m" : "", error.text());
}

}  // namespace pensieve::cli
