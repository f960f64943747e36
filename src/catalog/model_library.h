// What can be done to the installed models: look into their files, name, delete and fetch them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "catalog/catalog.h"
#include "catalog/model_names.h"
#include "catalog/pull_plan.h"
#include "gguf/header.h"

namespace pensieve {

// Deletes a model's files. Error kInvalidArgument if one lies outside `folder`: it is the user's own.
// Returns the files deleted.
Result<std::vector<std::filesystem::path>> remove_model_files(const InstalledModel& model, const std::filesystem::path& folder);

// Used from the supervisor's loop only. `catalog` outlives it.
class ModelLibrary {
 public:
  // `folder`: where models lie; `names`: the file of further names.
  ModelLibrary(ModelCatalog& catalog, std::filesystem::path folder, const std::filesystem::path& names);

  // The model that a name leads to. Error kNotFound.
  Result<InstalledModel> find(std::string_view name);
  [[nodiscard]] const NameMap& names() const { return names_.all(); }
  static Result<gguf::Header> header(const InstalledModel& model);

  // Gives the model of `source` a further name. Errors: kNotFound, kInvalidArgument, kIo.
  Result<void> copy(std::string_view source, std::string_view destination);

  // Takes away a further name, or deletes the files of the model with this id. Roles and automatic
  // names lead to models too, but none is deleted by them: kNotFound.
  Result<void> remove(std::string_view name);

  // What to fetch for `name`; its files that are there already are left out.
  Result<PullPlan> plan(std::string_view name) const;

 private:
  ModelCatalog& catalog_;
  std::filesystem::path folder_;
  ModelNames names_;
};

}  // namespace pensieve
