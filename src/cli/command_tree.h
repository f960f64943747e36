// The commands as data, read from the CLI11 tree: what completion and the man page are made of, so
// that neither can go stale.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace pensieve::cli {

struct CommandOption {
  std::vector<std::string> names;  // "--port", "-m"; empty for a positional
  std::string positional;          // its name; empty for an option
  std::string help;
  std::string value;  // "" for a switch
  std::string default_value;
  std::string group;
  bool required = false;
};

struct Command {
  std::string name;
  std::string help;
  std::string example;  // without its title
  std::vector<CommandOption> options;
  std::vector<Command> commands;
};

// Commands and options of an empty group are internal and left out.
Command command_tree(const CLI::App& app);

}  // namespace pensieve::cli
