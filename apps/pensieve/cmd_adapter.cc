// adapter: LoRA adapters beside the models.
#include <algorithm>
#include <format>
#include <glaze/glaze.hpp>
#include <print>

#include "adapters_table.h"
#include "catalog/adapter_store.h"
#include "catalog/catalog.h"
#include "cli.h"
#include "selector/assessment.h"
#include "words.h"

namespace pensieve::cli {
namespace adapter_json {

struct Row {
  std::string name;
  std::string model;
  double scale = 1;
  std::vector<std::string> domains;
  std::int64_t rank = 0;
  std::int64_t file_bytes = 0;
  std::string path;
  std::string added_from;
};

struct Document {
  std::vector<Row> adapters;
};

}  // namespace adapter_json

namespace {

struct Choices {
  AdapterOrder order;
  std::string model;
  std::string name;
  bool json = false;
};

Result<AdapterStore> open_store() { return AdapterStore(TRY(paths()).data / "adapters"); }

Result<void> check_domains(const std::vector<std::string>& domains) {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < selector::kDomainCount; ++i) known.emplace_back(to_string(static_cast<selector::Domain>(i)));
  for (const std::string& domain : domains) {
    if (std::ranges::contains(known, domain)) continue;
    return fail(ErrorCode::kInvalidArgument, std::format("unknown domain '{}'", domain), std::format("use {}", joined(known)));
  }
  return {};
}

Result<void> add(const Choices& choices) {
  const Paths where = TRY(paths());
  const Config settings = TRY(config(where));
  TRY_VOID(check_domains(choices.order.domains));
  ModelCatalog catalog(settings.models.folder.empty() ? where.models : std::filesystem::path(settings.models.folder), settings, Bytes{});
  const ResolvedName name = TRY(catalog.resolve(choices.model));
  const std::vector<InstalledModel> models = catalog.models();
  const AdapterStore store = TRY(open_store());
  const AddedAdapter added = TRY(store.add(choices.order, *std::ranges::find(models, name.id, &InstalledModel::id)));
  if (!added.skipped_tensors.empty()) {
    std::println(stderr, "note: {} tensors are no factors of LoRA and will not be used ({})", added.skipped_tensors.size(),
                 added.skipped_tensors.front());
  }
  std::println("{}+{}: rank {}, {}, scale {}", added.adapter.model, added.adapter.name, added.adapter.rank,
               size_word(added.adapter.file_bytes), added.adapter.scale);
  return {};
}

Result<void> list(bool json) {
  const std::vector<InstalledAdapter> adapters = TRY(open_store()).list();
  if (!json) {
    if (adapters.empty()) {
      std::println("No adapter is installed. `pensieve adapter add FILE --name NAME --for MODEL` installs one.");
    } else {
      std::print("{}", adapters_table(adapters, table_style()));
    }
    return {};
  }
  adapter_json::Document document;
  for (const InstalledAdapter& one : adapters) {
    document.adapters.push_back({one.name, one.model, one.scale, one.domains, one.rank, one.file_bytes, one.path, one.added_from});
  }
  std::string text;
  if (glz::write<glz::opts{.prettify = true}>(document, text)) return fail(ErrorCode::kInternal, "the list can't be written as JSON");
  std::println("{}", text);
  return {};
}

Result<void> remove(const std::string& name) {
  const AdapterStore store = TRY(open_store());
  TRY_VOID(store.remove(name));
  std::println("removed {}", name);
  return {};
}

}  // namespace

std::string adapters_table(const std::vector<InstalledAdapter>& adapters, TableStyle style) {
  std::vector<std::vector<std::string>> rows;
  for (const InstalledAdapter& one : adapters) {
    rows.push_back({one.name, one.model, std::format("{}", one.scale), std::format("{}", one.rank), size_word(one.file_bytes),
                    joined(one.domains), one.added_from});
  }
  return render_table(
      {{"ADAPTER"}, {"FOR"}, {"SCALE", true}, {"RANK", true}, {"SIZE", true}, {"DOMAINS", false, true}, {"ADDED FROM", false, true}}, rows,
      style);
}

void add_adapter(CLI::App& app, Run& chosen) {
  static Choices choices;
  CLI::App* command =
      add_command(app, "adapter", "Install, list and remove LoRA adapters",
                  "pensieve adapter add sql.gguf --name sql --for smollm2-135m-instruct-q4_1", chosen, [] { return list(choices.json); });
  command->add_flag("--json", choices.json, "print JSON");
  CLI::App* adding = add_command(*command, "add", "Check an adapter against its model and install it",
                                 "pensieve adapter add sql.gguf --name sql --for smollm2-135m-instruct-q4_1 --scale 0.8 --domain code",
                                 chosen, [] { return add(choices); });
  adding->add_option("file", choices.order.file, "the adapter, a GGUF file")->required();
  adding->add_option("--name", choices.order.name, "its name in MODEL+NAME")->required();
  adding->add_option("--for", choices.model, "the installed model that it was trained for")->required();
  adding->add_option("--scale", choices.order.scale, "how strongly it acts where a request does not say (default: 1)");
  adding->add_option("--domain", choices.order.domains, "what `auto` should use it for: code, math, ...; several with commas")
      ->delimiter(',');
  CLI::App* listing = add_command(*command, "list", "List the installed adapters", "pensieve adapter list --json", chosen,
                                  [] { return list(choices.json); });
  listing->add_flag("--json", choices.json, "print JSON");
  CLI::App* removing =
      add_command(*command, "rm", "Remove an adapter", "pensieve adapter rm sql", chosen, [] { return remove(choices.name); });
  removing->add_option("name", choices.name, "name of the adapter")->required();
}

}  // namespace pensieve::cli
