// Installed adapters for people.
#pragma once

#include <string>
#include <vector>

#include "catalog/model_directory.h"
#include "cli/table.h"

namespace pensieve::cli {

std::string adapters_table(const std::vector<InstalledAdapter>& adapters, TableStyle style);

}  // namespace pensieve::cli
