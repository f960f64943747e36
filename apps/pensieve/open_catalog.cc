#include "open_catalog.h"

#include <filesystem>

#include "memory/machine_state.h"

namespace pensieve {

Bytes usable_memory(const Config& config, const MachineReading& reading) {
  return config.memory.limit_bytes > 0 ? Bytes{config.memory.limit_bytes} : memory::default_limit(reading.memory_total);
}

std::filesystem::path models_folder(const Paths& paths, const Config& config) {
  return config.models.folder.empty() ? paths.models : std::filesystem::path(config.models.folder);
}

ModelCatalog open_catalog(const Paths& paths, const Config& config, MachineProbe& probe) {
  return {models_folder(paths, config), config, usable_memory(config, probe.read()), paths.data / "adapters"};
}

}  // namespace pensieve
