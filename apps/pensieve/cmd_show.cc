// show: one model, from its file and from what would be done with it.
#include <algorithm>
#include <filesystem>
#include <format>
#include <glaze/glaze.hpp>
#include <print>

#include "api/admin/status_json.h"
#include "cli.h"
#include "model_facts.h"
#include "open_catalog.h"
#include "present.h"
#include "words.h"

namespace pensieve::cli {
namespace show_json {  // glaze reads the names of fields only of types with linkage

struct LoadSettings {
  std::int64_t context_tokens = 0;
  std::int32_t parallel = 0;
  std::string cache_type;
  std::int32_t threads = 0;  // 0: one a physical core
  std::int32_t gpu_layers = 0;
};

struct Shown {
  glz::raw_json model;
  ModelFacts file;
  std::vector<std::string> names;  // configured aliases that lead to it
  LoadSettings loaded_with;
};

}  // namespace show_json
namespace {

struct Found {
  ModelStatus model;
  std::vector<std::string> names;
};

// By id, alias, role or path.
Result<Found> find_model(const Paths& where, const Config& config, const std::string& asked) {
  const ServiceStatus status = TRY(present(where)).status;
  ModelCatalog catalog = open_catalog(where, config, *system_probe());
  std::error_code ignored;
  const ModelStatus* found = nullptr;
  for (const ModelStatus& model : status.models) {
    if (std::filesystem::equivalent(model.path, asked, ignored)) found = &model;
  }
  if (found == nullptr) {
    for (const SkippedFile& file : status.skipped) {
      if (std::filesystem::equivalent(file.path, asked, ignored)) {
        return fail(ErrorCode::kInvalidArgument, std::format("'{}' is skipped: {}", file.path, file.reason), "replace or remove the file");
      }
    }
    const ResolvedName name = TRY(catalog.resolve(asked));
    for (const ModelStatus& model : status.models) {
      if (model.id == name.id) found = &model;
    }
    if (found == nullptr) {
      return fail(ErrorCode::kNotFound, std::format("the running server does not serve '{}'", name.id),
                  "`pensieve list` shows what it serves");
    }
  }
  Found out{*found, {}};
  for (const auto& [name, target] : config.aliases) {
    const auto resolved = catalog.resolve(target);
    if (resolved && resolved->id == found->id) out.names.push_back(name);
  }
  return out;
}

void add_fact(std::vector<std::pair<std::string, std::string>>& facts, const std::string& name, std::int64_t value) {
  if (value != 0) facts.emplace_back(name, std::format("{}", value));
}

std::string load_line(const ModelStatus& model, const EngineConfig& engine) {
  return std::format("{} tokens of context in {}, {} requests at once, {}, {} on a GPU if there is one", model.context_tokens,
                     engine.cache_type, engine.parallel,
                     engine.threads == 0 ? "a thread for each core" : std::format("{} threads", engine.threads),
                     engine.gpu_layers < 0 ? "all layers" : std::format("{} layers", engine.gpu_layers));
}

void print_facts(const Found& found, const ModelFacts& file, const EngineConfig& engine) {
  std::vector<std::pair<std::string, std::string>> facts = {{"model", found.model.id},
                                                            {"name", file.name},
                                                            {"roles", joined(found.model.aliases)},
                                                            {"aliases", joined(found.names)},
                                                            {"made by", file.organization},
                                                            {"license", file.license},
                                                            {"state", state_word(found.model)},
                                                            {"file", joined(file.files)},
                                                            {"size", size_word(file.file_bytes)},
                                                            {"sees images with", found.model.projector},
                                                            {"architecture", file.architecture},
                                                            {"parameters", parameters_word(file.parameters)}};
  add_fact(facts, "trained context", file.trained_context_tokens);
  add_fact(facts, "layers", file.layers);
  add_fact(facts, "embedding", file.embedding_length);
  add_fact(facts, "feed-forward", file.feed_forward_length);
  add_fact(facts, "heads", file.heads);
  add_fact(facts, "KV heads", file.kv_heads);
  add_fact(facts, "head size", file.head_size);
  if (file.experts > 0) facts.emplace_back("experts", std::format("{} of {} used per token", file.experts_used, file.experts));
  add_fact(facts, "sliding window", file.sliding_window_tokens);
  facts.emplace_back("tokenizer", std::format("{}, {} tokens", file.tokenizer, file.vocabulary_size));
  facts.emplace_back("chat template", file.has_chat_template ? "in the file" : "none in the file: the built-in one of its family");
  facts.emplace_back("loaded with", load_line(found.model, engine));
  std::erase_if(facts, [](const auto& fact) { return fact.second.empty(); });
  std::print("{}", render_facts(facts, table_style()));
}

void print_types(const ModelFacts& file) {
  std::vector<std::vector<std::string>> rows;
  for (const TypeShare& share : file.types) {
    rows.push_back({share.type, std::format("{}", share.tensors), size_word(share.bytes),
                    std::format("{:.1f} %", 100.0 * static_cast<double>(share.bytes) /
                                                static_cast<double>(std::max<std::int64_t>(file.file_bytes, 1)))});
  }
  std::print("\n{}", render_table({{"TYPE"}, {"TENSORS", true}, {"SIZE", true}, {"SHARE", true}}, rows, table_style()));
}

Result<void> show(const std::string& asked, bool metadata, bool json) {
  const Paths where = TRY(paths());
  const Config settings = TRY(config(where));
  const Found found = TRY(find_model(where, settings, asked));
  const ModelFacts file = TRY(read_model_facts(found.model.path));
  if (json) {
    const show_json::Shown shown{.model = {api::model_json(found.model)},
                                 .file = file,
                                 .names = found.names,
                                 .loaded_with = {found.model.context_tokens, settings.engine.parallel, settings.engine.cache_type,
                                                 settings.engine.threads, settings.engine.gpu_layers}};
    std::println("{}", glz::write_json(shown).value_or("{}"));
    return {};
  }
  print_facts(found, file, settings.engine);
  print_types(file);
  if (metadata) std::print("\n{}", render_facts(file.metadata, table_style()));
  return {};
}

}  // namespace

void add_show(CLI::App& app, Run& chosen) {
  static std::string asked;
  static bool metadata = false;
  static bool json = false;
  CLI::App* command = add_command(app, "show", "Show what a model's file holds and how it would be loaded", "pensieve show auto", chosen,
                                  [] { return show(asked, metadata, json); });
  command->add_option("model", asked, "id, role, alias, auto, or the path of an installed file")->required();
  command->add_flag("--metadata", metadata, "print the file's metadata too");
  command->add_flag("--json", json, "print JSON, metadata included");
}

}  // namespace pensieve::cli
