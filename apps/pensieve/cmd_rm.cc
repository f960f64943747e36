#include <filesystem>
#include <format>
#include <print>

#include "catalog/catalog.h"
#include "cli.h"
#include "gguf/summary.h"

namespace pensieve::cli {
namespace {

Result<void> rm_command(const std::string& id) {
  const Paths where = TRY(paths());
  const Config settings = TRY(config(where));
  const std::filesystem::path folder = settings.models.folder.empty() ? where.models : std::filesystem::path(settings.models.folder);
  ModelCatalog catalog(folder, settings, Bytes{});
  for (const InstalledModel& model : catalog.models()) {
    if (model.id != id) continue;
    const gguf::Summary summary = TRY(gguf::summarize(model.path));
    for (const std::filesystem::path& file : summary.files) {
      // A file that the configuration names elsewhere is the user's own.
      if (file.parent_path() != folder) {
        return fail(ErrorCode::kInvalidArgument, std::format("{} lies outside the models folder", file.string()),
                    "take it out of models.paths and delete it yourself");
      }
    }
    for (const std::filesystem::path& file : summary.files) {
      std::error_code error;
      std::filesystem::remove(file, error);
      if (error) return fail(ErrorCode::kIo, std::format("can't remove {}: {}", file.string(), error.message()));
      std::println("removed {}", file.string());
    }
    return {};
  }
  return fail(ErrorCode::kNotFound, std::format("no installed model has the id '{}'", id), "`pensieve status` shows the installed models");
}

}  // namespace

void add_rm(CLI::App& app, Run& chosen) {
  static std::string id;
  CLI::App* command = add_command(app, "rm", "Delete an installed model's files", "pensieve rm smollm2-135m-instruct-q4_1", chosen,
                                  [] { return rm_command(id); });
  command->add_option("model", id, "id of the installed model")->required();
}

}  // namespace pensieve::cli
