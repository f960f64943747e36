// The catalog as the configuration asks for it.
#pragma once

#include <filesystem>

#include "base/paths.h"
#include "base/units.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "machine/machine_probe.h"

namespace pensieve {

// What models may take: memory.limit_bytes, or the usual share of the machine's memory.
Bytes usable_memory(const Config& config, const MachineReading& reading);

// Where models lie: models.folder, or the usual place.
std::filesystem::path models_folder(const Paths& paths, const Config& config);

// The models of the configured folder and paths, for the machine that `probe` reads.
ModelCatalog open_catalog(const Paths& paths, const Config& config, MachineProbe& probe);

}  // namespace pensieve
