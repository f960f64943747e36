// merge: makes one model of several, or folds adapters into one.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <format>
#include <print>
#include <thread>

#include "catalog/catalog.h"
#include "cli.h"
#include "merge/merge.h"
#include "merge_output.h"

namespace pensieve::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

struct Choices {
  std::vector<std::string> models;
  std::string out;
  std::string t;
  std::string method;
  std::string recipe;
  std::string base;
  std::string type;
  std::string name;
  std::vector<double> weights;
  std::vector<std::string> filters;
  std::vector<std::string> adapters;
  std::size_t threads = 0;
  bool force = false;
  bool dry_run = false;
  bool json = false;
};

// A file, or an installed model by its id.
std::filesystem::path model_path(const std::string& what) {
  std::error_code ignored;
  if (std::filesystem::exists(what, ignored)) return what;
  const Result<Paths> where = paths();
  const Result<Config> settings = where ? config(*where) : std::unexpected(where.error());
  if (!settings) return what;
  ModelCatalog catalog(settings->models.folder.empty() ? where->models : std::filesystem::path(settings->models.folder), *settings,
                       Bytes{});
  for (const InstalledModel& model : catalog.models()) {
    if (model.id == what) return model.path;
  }
  return what;
}

// "FILE" or "FILE=SCALE".
Result<merge::AdapterChoice> adapter_choice(const std::string& text) {
  std::error_code ignored;
  const std::size_t equals = text.rfind('=');
  if (equals == std::string::npos || std::filesystem::exists(text, ignored)) return merge::AdapterChoice{text, 1};
  merge::AdapterChoice choice{.path = text.substr(0, equals)};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + equals + 1, end, choice.scale);
  if (error == std::errc{} && stop == end && std::isfinite(choice.scale)) return choice;
  return fail(ErrorCode::kInvalidArgument, std::format("the scale in '{}' is not a number", text), "write --lora FILE=0.8");
}

Result<merge::Recipe> recipe_of(const Choices& choices) {
  merge::Recipe recipe;
  if (!choices.recipe.empty()) recipe = TRY(merge::read_recipe(choices.recipe));
  if (!choices.method.empty()) recipe.method = TRY(merge::parse_method(choices.method));
  if (!choices.t.empty()) recipe.t = TRY(merge::parse_curve(choices.t));
  if (!choices.weights.empty()) recipe.weights = choices.weights;
  if (!choices.type.empty()) recipe.type = choices.type;
  // Filters of the command line come before those of the file.
  std::vector<merge::Filter> filters;
  for (const std::string& text : choices.filters) filters.push_back(TRY(merge::parse_filter(text)));
  recipe.filters.insert(recipe.filters.begin(), filters.begin(), filters.end());
  for (const double weight : recipe.weights) {
    if (!std::isfinite(weight)) return fail(ErrorCode::kInvalidArgument, "a weight is not finite", "give numbers like 0.5");
  }
  return recipe;
}

Result<merge::Request> request_of(const Choices& choices) {
  merge::Request request{.recipe = TRY(recipe_of(choices)),
                         .out = choices.out,
                         .name = choices.name,
                         .force = choices.force,
                         .threads = choices.threads > 0 ? choices.threads : std::max(1U, std::thread::hardware_concurrency())};
  for (const std::string& model : choices.models) request.models.push_back(model_path(model));
  if (!choices.base.empty()) request.base = model_path(choices.base);
  for (const std::string& adapter : choices.adapters) request.adapters.push_back(TRY(adapter_choice(adapter)));
  return request;
}

Result<void> merge_command(const Choices& choices) {
  const merge::Request request = TRY(request_of(choices));
  const merge::Prepared prepared = TRY(merge::prepare(request));
  if (choices.dry_run) {
    std::print("{}", choices.json ? merge_plan_json(request, prepared) : merge_plan_text(request, prepared, table_style()));
    return {};
  }
  std::print(stderr, "{}", merge_summary(request, prepared));
  // A full disk or a size limit is an error to tell, not an end.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
  MergeProgress line(is_terminal(2));
  const auto begun = std::chrono::steady_clock::now();
  const Result<merge::Outcome> outcome = merge::run(request, prepared, [&](const merge::Progress& state) {
    if (interrupted == 0) line.show(state);
    return interrupted == 0;
  });
  line.end();
  if (!outcome && outcome.error().code == ErrorCode::kCancelled) {
    return fail(ErrorCode::kCancelled, "the merge was interrupted", "run the same command again: it goes on where it stopped");
  }
  const merge::Outcome done = TRY(outcome);
  std::print("{}", merge_done(request, prepared, done, std::chrono::steady_clock::now() - begun, choices.json));
  return {};
}

}  // namespace

void add_merge(CLI::App& app, Run& chosen) {
  static Choices choices;
  CLI::App* command = add_command(app, "merge", "Merge fine-tunes of one model into one, or fold an adapter into a model",
                                  "pensieve merge A.gguf B.gguf --out M.gguf --t 0.5", chosen, [] { return merge_command(choices); });
  command->add_option("model", choices.models, "the models: GGUF files or installed ids")->required();
  command->add_option("--out,-o", choices.out, "the file to write")->required();
  command->add_option("--t", choices.t, "share of the second model, 0 to 1 (default: 0.5); 0,0.5,1: a curve over the layers");
  command->add_option("--method", choices.method, "slerp (default), linear or task-arithmetic");
  command->add_option("--filter", choices.filters, "TENSOR=T: another t for tensors whose name contains or (with *) fits TENSOR")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("--recipe", choices.recipe, "a TOML file with method, t, weights, type and filters");
  command->add_option("--weights", choices.weights, "one a model, with commas between: for linear and task-arithmetic")->delimiter(',');
  command->add_option("--base", choices.base, "the model that the others were made of: for task-arithmetic");
  command->add_option("--lora", choices.adapters, "FILE[=SCALE]: a LoRA adapter to fold in")->take_all()->allow_extra_args(false);
  command->add_option("--type", choices.type, "type of the result, for example q4_k_m (default: each tensor keeps its own)");
  command->add_option("--name", choices.name, "the name of the result (default: made of the models' names)");
  command->add_option("--threads", choices.threads, "threads to use (default: all cores)")->check(CLI::Range(1U, 1024U));
  command->add_flag("--force", choices.force, "replace an existing output");
  command->add_flag("--dry-run", choices.dry_run, "check everything and print the plan and the sizes only");
  command->add_flag("--json", choices.json, "print JSON");
}

}  // namespace pensieve::cli
