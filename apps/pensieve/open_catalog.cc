#include "open_catalog.h"

#include <filesystem>

namespace pensieve {

Bytes usable_memory(const Config& config, const MemoryReading& reading) {
  return config.memory.limit_bytes > 0 ? Bytes{config.memory.limit_bytes} : Bytes{reading.total.value / 4 * 3};
}

std::filesystem::path models_folder(const Paths& paths, const Config& config) {
  return config.models.folder.empty() ? paths.models : std::filesystem::path(config.models.folder);
}

ModelCatalog open_catalog(const Paths& paths, const Config& config, const MemoryProbe& memory) {
  return {models_folder(paths, config), config, usable_memory(config, memory.read())};
}

}  // namespace pensieve
