// Installed models as Ollama shows them.
#pragma once

#include <string>
#include <string_view>

#include "catalog/model_directory.h"
#include "gguf/header.h"
#include "manager/service.h"

namespace pensieve::api::ollama {

// Entry of /api/tags under `name`, which gets the tag `latest`.
std::string tag_json(const InstalledModel& model, std::string_view name);

// Entry of /api/ps.
std::string running_json(const InstalledModel& model, const ModelStatus& status);

// Body of /api/show.
std::string show_json(const InstalledModel& model, const gguf::Header& header);

}  // namespace pensieve::api::ollama
