// Further names of models, given while the server runs (Ollama's /api/copy): a small file of
// `"name" = "id"` lines in the data folder, replaced whole with each change.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pensieve {

using NameMap = std::map<std::string, std::string, std::less<>>;

class ModelNames {
 public:
  static constexpr std::size_t kMost = 1000;

  // Reads `file`; absent or damaged (with a warning in the log): no names.
  explicit ModelNames(std::filesystem::path file);

  [[nodiscard]] const NameMap& all() const { return names_; }
  // Errors: kInvalidArgument (no usable name, or too many), kIo.
  Result<void> set(std::string_view name, std::string_view id);
  Result<void> remove(std::string_view name);

 private:
  Result<void> save(NameMap names);

  std::filesystem::path file_;
  NameMap names_;
};

}  // namespace pensieve
