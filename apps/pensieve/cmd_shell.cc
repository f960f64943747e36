// completion and man: texts made from the command tree.
#include <print>

#include "cli.h"
#include "cli/completion.h"
#include "cli/man_page.h"

namespace pensieve::cli {

void add_completion(CLI::App& app, Run& chosen) {
  static std::string shell;
  CLI::App* command =
      add_command(app, "completion", "Print a script that completes commands and options in your shell",
                  "pensieve completion bash > ~/.local/share/bash-completion/completions/pensieve", chosen, [&app]() -> Result<void> {
                    std::print("{}", TRY(completion_script(command_tree(app), shell)));
                    return {};
                  });
  command->add_option("shell", shell, "bash, zsh or fish")->required();
}

void add_man(CLI::App& app, Run& chosen) {
  add_command(app, "man", "Print the manual page", "pensieve man | man -l -", chosen, [&app]() -> Result<void> {
    std::print("{}", man_page(command_tree(app), {.version = kVersion, .summary = "a local LLM server that fits your machine"}));
    return {};
  });
}

}  // namespace pensieve::cli
