// Where Pensieve keeps its files.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"

namespace pensieve {

struct Paths {
  std::filesystem::path config_file;  // $XDG_CONFIG_HOME/pensieve/config.toml
  std::filesystem::path data;         // $XDG_DATA_HOME/pensieve: models/, ledger.db, kv/
  std::filesystem::path models;       // data/models
  std::filesystem::path runtime;      // $XDG_RUNTIME_DIR/pensieve, else data: server.json, server.log
};

// Paths by the XDG rules from `environment`; PENSIEVE_HOME moves all of them into one folder
// (config.toml, models/, run/). Fails if neither PENSIEVE_HOME nor HOME is set. Creates nothing.
Result<Paths> find_paths(const std::map<std::string, std::string>& environment);

// This process's environment as a map.
std::map<std::string, std::string> process_environment();

// Creates `folder` (mode 0700) with its parents. Error kIo names the folder and the cure.
Result<void> ensure_folder(const std::filesystem::path& folder);

// Replaces `file` by `content` atomically (temporary name, fsync, rename), mode 0600.
Result<void> write_file_atomically(const std::filesystem::path& file, std::string_view content);

}  // namespace pensieve
