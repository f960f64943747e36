// LoRA adapters: one folder with NAME.gguf and NAME.toml for each. The TOML file says which model it is
// for, its scale and its domains; it is written last, and an adapter without it is not there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/model_directory.h"

namespace pensieve {

// An adapter to be installed.
struct AdapterOrder {
  std::filesystem::path file;
  std::string name;
  double scale = 1;
  std::vector<std::string> domains;
};

// What was installed, and what of the file the engine will not use (norms).
struct AddedAdapter {
  InstalledAdapter adapter;
  std::vector<std::string> skipped_tensors;
};

class AdapterStore {
 public:
  explicit AdapterStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // By name. Reads the folder on every call; files that can't be read are left out.
  [[nodiscard]] std::vector<InstalledAdapter> list() const;

  // Checks the adapter against the model's tensors and copies it. Errors: kInvalidArgument (a wrong name,
  // not an adapter, made for another model: the first difference is named; the name is taken), kIo.
  Result<AddedAdapter> add(const AdapterOrder& order, const InstalledModel& model) const;

  // Error kNotFound.
  Result<void> remove(std::string_view name) const;

 private:
  [[nodiscard]] std::filesystem::path file(std::string_view name, std::string_view ending) const;

  std::filesystem::path folder_;
};

// "adapter 'x' is not installed", naming the nearest.
Error unknown_adapter(std::string_view name, const std::vector<InstalledAdapter>& installed);

}  // namespace pensieve
