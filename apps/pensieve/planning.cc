#include "planning.h"

#include <filesystem>

#include "base/log.h"

namespace pensieve {

PerformanceLedger open_performance_ledger(const Paths& paths, const Config& config, const MachineIdentity& machine, const Clock& clock,
                                          bool create) {
  const std::filesystem::path file = paths.data / "ledger.db";
  std::unique_ptr<store::Database> database;
  std::error_code ignored;
  if (create || std::filesystem::exists(file, ignored)) {
    Result<std::unique_ptr<store::Database>> opened = store::Database::open(file);
    if (opened) {
      database = *std::move(opened);
    } else {
      spdlog::warn("measurements are not kept: {}", opened.error().text());
    }
  }
  return {std::move(database), machine_key(machine.fingerprint(), config.engine.threads), clock};
}

}  // namespace pensieve
