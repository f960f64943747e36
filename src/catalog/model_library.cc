#include "catalog/model_library.h"

#include <algorithm>
#include <cctype>
#include <format>

#include "base/paths.h"
#include "gguf/source.h"
#include "gguf/summary.h"

namespace pensieve {

namespace fs = std::filesystem;

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace

Result<std::vector<fs::path>> remove_model_files(const InstalledModel& model, const fs::path& folder) {
  const gguf::Summary summary = TRY(gguf::summarize(model.path));
  for (const fs::path& file : summary.files) {
    if (file.lexically_normal().string().starts_with(folder.lexically_normal().string() + "/")) continue;
    return fail(ErrorCode::kInvalidArgument, std::format("{} lies outside the models folder", file.string()),
                "take it out of models.paths and delete it yourself", "model");
  }
  for (const fs::path& file : summary.files) {
    std::error_code error;
    fs::remove(file, error);
    if (error) return fail(ErrorCode::kIo, std::format("can't remove {}: {}", file.string(), error.message()));
  }
  return summary.files;
}

ModelLibrary::ModelLibrary(ModelCatalog& catalog, fs::path folder, const fs::path& names)
    : catalog_(catalog), folder_(std::move(folder)), names_(names) {
  catalog_.set_names(names_.all());
}

Result<InstalledModel> ModelLibrary::find(std::string_view name) {
  const ResolvedName resolved = TRY(catalog_.resolve(name));
  for (InstalledModel& model : catalog_.models()) {
    if (model.id == resolved.id) return std::move(model);
  }
  return fail(ErrorCode::kNotFound, std::format("model '{}' is not installed", resolved.id), {}, "model");
}

Result<gguf::Header> ModelLibrary::header(const InstalledModel& model) {
  const std::unique_ptr<gguf::Source> source = TRY(gguf::open_file(model.path));
  return gguf::read_header(*source, true);
}

Result<void> ModelLibrary::copy(std::string_view source, std::string_view destination) {
  const InstalledModel model = TRY(find(source));
  const std::string name = lower(destination);
  const bool copy_of_copy = names_.all().contains(name);
  if (!copy_of_copy) {
    const Result<ResolvedName> taken = catalog_.resolve(name);
    if (taken && (taken->id == name || name.starts_with("auto") || name == "default")) {
      return fail(ErrorCode::kInvalidArgument, std::format("'{}' is a model's name already", name), "choose another name", "destination");
    }
  }
  TRY_VOID(names_.set(name, model.id));
  catalog_.set_names(names_.all());
  return {};
}

Result<void> ModelLibrary::remove(std::string_view name) {
  const std::string wanted = lower(name);
  if (names_.all().contains(wanted)) {
    TRY_VOID(names_.remove(wanted));
    catalog_.set_names(names_.all());
    return {};
  }
  for (const InstalledModel& model : catalog_.models()) {
    if (model.id != wanted) continue;
    TRY_VOID(remove_model_files(model, folder_));
    return {};
  }
  return fail(ErrorCode::kNotFound, std::format("no installed model has the id '{}'", name.substr(0, 200)),
              "`pensieve status` shows the installed models", "model");
}

Result<PullPlan> ModelLibrary::plan(std::string_view name) const {
  std::string what(name);
  for (const std::string_view hub : {"hf.co/", "huggingface.co/"}) {
    if (what.starts_with(hub)) what.erase(0, hub.size());
  }
  PullPlan plan = TRY(plan_pull(what, folder_, process_environment(), {}));
  std::erase_if(plan.files, [](const DownloadFile& file) {
    std::error_code ignored;
    return fs::exists(file.destination, ignored);
  });
  return plan;
}

}  // namespace pensieve
