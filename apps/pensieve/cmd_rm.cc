#include <filesystem>
#include <format>
#include <print>

#include "catalog/catalog.h"
#include "catalog/model_library.h"
#include "cli.h"

namespace pensieve::cli {
namespace {

Result<void> rm_command(const std::string& id) {
  const Paths where = TRY(paths());
  const Config settings = TRY(config(where));
  const std::filesystem::path folder = settings.models.folder.empty() ? where.models : std::filesystem::path(settings.models.folder);
  ModelCatalog catalog(folder, settings, Bytes{});
  for (const InstalledModel& model : catalog.models()) {
    if (model.id != id) continue;
    for (const std::filesystem::path& file : TRY(remove_model_files(model, folder))) std::println("removed {}", file.string());
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
