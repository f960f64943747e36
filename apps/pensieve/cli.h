// What the subcommands share.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/paths.h"
#include "base/result.h"
#include "config/config.h"

namespace pensieve::cli {

inline constexpr const char* kVersion = PENSIEVE_VERSION;

// Registers a subcommand; what it returns decides the exit code: 0, or 1 with the error on stderr.
using Run = std::function<Result<void>()>;
CLI::App* add_command(CLI::App& app, const std::string& name, const std::string& description, const std::string& example, Run& chosen,
                      Run run);

// Paths and configuration of this process's environment.
Result<Paths> paths();
Result<Config> config(const Paths& paths, const std::map<std::string, std::string>& flags = {});

// Prints "error: what; why; what to do" on stderr.
void print_error(const Error& error);

// True if stdout (1) or stderr (2) is a terminal where colour is welcome.
bool colour(int descriptor);

void add_serve(CLI::App& app, Run& chosen);
void add_start(CLI::App& app, Run& chosen);
void add_stop(CLI::App& app, Run& chosen);
void add_status(CLI::App& app, Run& chosen);
void add_run(CLI::App& app, Run& chosen);
void add_worker(CLI::App& app, Run& chosen);

}  // namespace pensieve::cli
