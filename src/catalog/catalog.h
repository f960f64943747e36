// The models in the models folder: found, identified and named.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/units.h"
#include "catalog/adapter_store.h"
#include "catalog/model_directory.h"
#include "config/config.h"
#include "gguf/projector.h"

namespace pensieve {

// Scans again on every look: files whose size and time are unchanged are not read again. So a file
// that appears or is completed while serving is found without a restart.
class ModelCatalog final : public ModelDirectory {
 public:
  // `usable_memory`: what models may take; roles that are not configured go to models that fit it.
  // `adapters`: where adapters are; empty: there are none.
  ModelCatalog(std::filesystem::path folder, const Config& config, Bytes usable_memory, std::filesystem::path adapters = {});

  Result<ResolvedName> resolve(std::string_view name) override;
  std::vector<InstalledModel> models() override;
  std::vector<SkippedFile> skipped() override;
  std::vector<InstalledAdapter> adapters() override { return adapters_.list(); }

  // Further names of models (model_names.h); they win over the configured aliases.
  void set_names(std::map<std::string, std::string, std::less<>> names) { names_ = std::move(names); }

 private:
  struct Entry {
    std::uintmax_t size = 0;
    std::filesystem::file_time_type time;
    std::string reason;                        // why it is skipped; empty: a model
    std::vector<std::filesystem::path> parts;  // of a split file, this one among them
    InstalledModel model;
    bool sectioned_positions = false;          // no projector fits it
    std::optional<gguf::Projector> projector;  // it is one, and no model
  };

  void scan();
  void look_at(const std::filesystem::path& path, std::map<std::filesystem::path, Entry>& seen);
  void assign_ids();
  void assign_projectors();
  void give_projector(const std::filesystem::path& path, const Entry& entry);
  void assign_roles();
  [[nodiscard]] const InstalledModel* find(std::string_view id) const;
  [[nodiscard]] Result<ResolvedName> follow(std::string_view name, int depth) const;
  [[nodiscard]] Result<ResolvedName> with_adapters(std::string_view name) const;
  [[nodiscard]] Result<ResolvedName> by_role(std::string_view role, bool fixed, std::string_view automatic = {}) const;

  std::filesystem::path folder_;
  AdapterStore adapters_;
  RolesConfig roles_;
  std::vector<std::string> paths_;
  std::vector<std::string> projectors_;  // "MODEL=FILE"
  std::map<std::string, std::string> aliases_;
  std::map<std::string, std::string, std::less<>> names_;  // name -> id
  Bytes usable_memory_;
  std::map<std::filesystem::path, Entry> files_;
  std::map<std::filesystem::path, std::string> unused_projectors_;  // and why
  std::vector<InstalledModel> models_;
  std::map<std::string, std::string, std::less<>> role_models_;  // role -> id
};

// "SmolLM2-135M-Instruct.Q4_1.gguf" -> "smollm2-135m-instruct-q4_1": lower case, other characters
// than letters, digits, '_' and '.' within numbers become '-'; the part number of a split file is
// left out.
std::string model_id(const std::filesystem::path& path);

// True if `name` fits `pattern`, where * stands for any text.
bool matches(std::string_view pattern, std::string_view name);

}  // namespace pensieve
