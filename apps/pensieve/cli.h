// What the subcommands share.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/paths.h"
#include "base/result.h"
#include "cli/table.h"
#include "config/config.h"

namespace pensieve::cli {

inline constexpr const char* kVersion = PENSIEVE_VERSION;

// Registers a subcommand; what it returns decides the exit code: 0, or 1 with the error on stderr (an
// error without a message has been told already). A command with subcommands of its own runs if none of
// them is named.
using Run = std::function<Result<void>()>;
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description, const std::string& example, Run& chosen,
                      Run run);

// Paths and configuration of this process's environment.
Result<Paths> paths();
Result<Config> config(const Paths& paths, const std::map<std::string, std::string>& flags = {});

// Prints "error: what; why; what to do" on stderr.
void print_error(const Error& error);

// True if stdin (0), stdout (1) or stderr (2) is a terminal.
bool is_terminal(int descriptor);

// True if it is a terminal where colour is welcome.
bool colour(int descriptor);

// The style of a table on stdout.
TableStyle table_style();

// Makes every key of the configuration an option of the same name; a few have short names too.
void add_config_flags(CLI::App& command, std::map<std::string, std::string>& flags);

void add_serve(CLI::App& app, Run& chosen);
void add_start(CLI::App& app, Run& chosen);
void add_stop(CLI::App& app, Run& chosen);
void add_status(CLI::App& app, Run& chosen);
void add_run(CLI::App& app, Run& chosen);
void add_chat(CLI::App& app, Run& chosen);
void add_launch(CLI::App& app, Run& chosen);
void add_list(CLI::App& app, Run& chosen);
void add_show(CLI::App& app, Run& chosen);
void add_ps(CLI::App& app, Run& chosen);
void add_doctor(CLI::App& app, Run& chosen);
void add_config(CLI::App& app, Run& chosen);
void add_completion(CLI::App& app, Run& chosen);
void add_man(CLI::App& app, Run& chosen);
void add_fit(CLI::App& app, Run& chosen);
void add_bench(CLI::App& app, Run& chosen);
void add_pull(CLI::App& app, Run& chosen);
void add_rm(CLI::App& app, Run& chosen);
void add_route(CLI::App& app, Run& chosen);
void add_load(CLI::App& app, Run& chosen);
void add_merge(CLI::App& app, Run& chosen);
void add_simulate(CLI::App& app, Run& chosen);
void add_adapter(CLI::App& app, Run& chosen);
void add_worker(CLI::App& app, Run& chosen);

}  // namespace pensieve::cli
