// What `pensieve doctor` examines, one function a link of the chain from the configuration to an
// answer. Each looks only, and gives what it found in the order in which it should be read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/paths.h"
#include "client/server_record.h"
#include "config/config.h"
#include "ipc/messages.h"

namespace pensieve::cli {

struct Check {
  enum class Verdict {
    kGood,
    kWarning,  // works, but something should be done
    kBroken,   // prevents serving
  };
  Verdict verdict = Verdict::kGood;
  std::string name;     // "config", "folders", "disk", "server", "engine", "memory", "models"
  std::string message;  // what was found
  std::string advice;   // what to do; empty if nothing
};

// The folders can be made and written and are closed to others.
std::vector<Check> check_folders(const Paths& paths);

// Room on the disk of the data folder.
std::vector<Check> check_disk(const Paths& paths);

// The server answers, or could listen; what a dead one left behind.
std::vector<Check> check_server(const Paths& paths, const ServerConfig& config);

// Starts a worker as the server does and hears what engine and devices it has.
struct EngineProbe {
  std::vector<Check> checks;
  std::optional<ipc::Hello> hello;
};
EngineProbe check_engine();

// Memory now, against the limits and the model that `auto` leads to.
std::vector<Check> check_memory(const Paths& paths, const Config& config);

// Every file of the models folder; `deep` reads them whole and compares known ones with their sha256.
std::vector<Check> check_models(const Paths& paths, const Config& config, bool deep);

}  // namespace pensieve::cli
