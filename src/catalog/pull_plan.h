// What `pensieve pull NAME` means: which files from where.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/download.h"

namespace pensieve {

struct PullPlan {
  std::string name;                 // as shown
  std::vector<DownloadFile> files;  // the first one has the header
};

// NAME or NAME:QUANT of the catalog, "owner/repository/file.gguf" of the model hub, or a http(s) URL
// that ends in .gguf. A split file's first part stands for all. `environment`: HF_ENDPOINT names a
// mirror, HF_TOKEN a token (sent to that host only). `sha256` is of a single file; may be empty.
Result<PullPlan> plan_pull(const std::string& what, const std::filesystem::path& folder,
                           const std::map<std::string, std::string>& environment, const std::string& sha256);

}  // namespace pensieve
