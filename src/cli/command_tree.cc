#include "cli/command_tree.h"

#include <CLI/CLI.hpp>

namespace pensieve::cli {
namespace {

constexpr std::string_view kExampleTitle = "Example:\n";

std::string example_of(const CLI::App& app) {
  std::string footer = app.get_footer();
  if (!footer.starts_with(kExampleTitle)) return "";
  footer.erase(0, kExampleTitle.size());
  return footer;
}

CommandOption option_of(const CLI::Option& option) {
  CommandOption out{.names = {},
                    .positional = option.get_positional() ? option.get_name(true) : "",
                    .help = option.get_description(),
                    .value = {},
                    .default_value = option.get_default_str(),
                    .group = option.get_group(),
                    .required = option.get_required()};
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  if (out.positional.empty() && option.get_items_expected_max() > 0) out.value = "VALUE";
  return out;
}

}  // namespace

Command command_tree(const CLI::App& app) {
  Command command{.name = app.get_name(), .help = app.get_description(), .example = example_of(app), .options = {}, .commands = {}};
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) command.options.push_back(option_of(*option));
  }
  for (const CLI::App* child : app.get_subcommands([](const CLI::App* candidate) { return !candidate->get_group().empty(); })) {
    command.commands.push_back(command_tree(*child));
  }
  return command;
}

}  // namespace pensieve::cli
