// bench: measures installed models, for people and for later predictions.
#include <algorithm>
#include <filesystem>
#include <format>
#include <print>

#include "api/json_value.h"
#include "base/log.h"
#include "base/statistics.h"
#include "catalog/catalog.h"
#include "cli.h"
#include "engine/engine.h"
#include "engine/model_speed.h"
#include "machine_choice.h"
#include "open_catalog.h"
#include "planning.h"
#include "words.h"

namespace pensieve::cli {
namespace {

struct Choices {
  std::vector<std::string> models;
  std::vector<std::int64_t> depths;
  int repetitions = 5;
  bool json = false;
};

// One line of the table: what was measured after a prompt of `depth` tokens, and what had been expected.
struct Line {
  std::string model;
  std::string cache_type;
  engine::DepthSpeed measured;
  Forecast expected;
  std::int64_t load_ms = 0;
  std::int64_t planned_bytes = 0;
  std::int64_t resident_bytes = 0;
};

std::string spread(const std::vector<double>& values) {
  if (values.empty()) return "-";
  return std::format("{:.1f} ({:.1f}-{:.1f})", median(values), std::ranges::min(values), std::ranges::max(values));
}

std::string list_json(const std::vector<double>& values) {
  std::string list;
  for (const double value : values) list += std::format("{}{:.3f}", list.empty() ? "" : ",", value);
  return "[" + list + "]";
}

std::string to_json(const std::vector<Line>& lines) {
  std::string rows;
  for (const Line& line : lines) {
    rows += std::format(
        R"({}{{"model":{},"kv_type":{},"depth":{},"decode_tps":{:.3f},"prefill_tps":{:.3f},"decode_samples":{},"prefill_samples":{},)"
        R"("expected_decode_tps":{:.3f},"expected_prefill_tps":{:.3f},"expected_from_measurement":{},"load_ms":{},"planned_bytes":{},)"
        R"("resident_bytes":{}}})",
        rows.empty() ? "" : ",", api::json_string(line.model), api::json_string(line.cache_type), line.measured.depth,
        median(line.measured.decode), median(line.measured.prefill), list_json(line.measured.decode), list_json(line.measured.prefill),
        line.expected.decode.value, line.expected.prefill.value, line.expected.measured, line.load_ms, line.planned_bytes,
        line.resident_bytes);
  }
  return "[" + rows + "]";
}

std::string to_table(const std::vector<Line>& lines) {
  std::vector<std::vector<std::string>> rows;
  for (const Line& line : lines) {
    rows.push_back({line.model, line.cache_type, std::format("{}", line.measured.depth), spread(line.measured.decode),
                    std::format("{:.1f}", line.expected.decode.value), spread(line.measured.prefill),
                    std::format("{:.1f}", line.expected.prefill.value), std::format("{}", line.load_ms), size_word(line.planned_bytes),
                    size_word(line.resident_bytes)});
  }
  return render_table({{"MODEL"},
                       {"CACHE"},
                       {"DEPTH", true},
                       {"TOK/S (MIN-MAX)", true},
                       {"EXPECTED", true},
                       {"PREFILL (MIN-MAX)", true},
                       {"EXPECTED", true},
                       {"LOAD MS", true},
                       {"PLANNED", true},
                       {"RESIDENT", true}},
                      rows, table_style());
}

ipc::LoadModel load_settings(const InstalledModel& model, const memory::Plan& plan, const EngineConfig& engine) {
  return {.model_id = model.id,
          .path = model.path,
          .context_tokens = plan.settings.context_tokens,
          .max_sequences = static_cast<std::uint32_t>(engine.parallel),
          .batch_tokens = static_cast<std::uint32_t>(engine.batch_tokens),
          .threads = engine.threads,
          .batch_threads = engine.threads,
          .gpu_layers = engine.gpu_layers,
          .cache_type = std::string(memory::format_of(plan.settings.cache).name)};
}

// Keeps what was measured where the server and `fit` look for it.
void record(PerformanceLedger& ledger, const std::string& fingerprint, const engine::DepthSpeed& speed, std::string_view cache,
            std::int64_t decoded) {
  using store::MeasurementKind;
  if (!speed.decode.empty()) ledger.note(fingerprint, MeasurementKind::kDecodeTps, cache, speed.depth + decoded / 2, median(speed.decode));
  if (!speed.prefill.empty()) ledger.note(fingerprint, MeasurementKind::kPrefillTps, cache, speed.depth / 2, median(speed.prefill));
}

Result<void> bench_model(const InstalledModel& model, Planning& planning, const EngineConfig& engine, const engine::SpeedTest& test,
                         std::vector<Line>& lines) {
  const memory::Plan plan = planning.planner().plan(model, planning.planner().machine());
  if (plan.verdict == memory::Verdict::kDoesNotFit) {
    return fail(ErrorCode::kOutOfMemory, std::format("'{}' does not fit: {}", model.id, plan.check.reason),
                "unload other models (`pensieve stop`), or close other programs");
  }
  const engine::ModelSpeed speed = TRY(engine::measure_model(load_settings(model, plan, engine), test, [&](std::int64_t depth) {
    if (is_terminal(2)) std::println(stderr, "measuring {} at {} tokens", model.id, depth);
  }));
  const std::string cache(memory::format_of(plan.settings.cache).name);
  for (const engine::DepthSpeed& one : speed.depths) {
    lines.push_back({.model = model.id,
                     .cache_type = cache,
                     .measured = one,
                     .expected = planning.planner().forecast(model, plan.settings.cache, one.depth + test.decoded_tokens / 2),
                     .load_ms = speed.loaded.load_us / 1000,
                     .planned_bytes = plan.memory.total().value,
                     .resident_bytes = speed.resident.value});
    const Forecast reading = planning.planner().forecast(model, plan.settings.cache, one.depth / 2);
    lines.back().expected.prefill = reading.prefill;
  }
  for (const engine::DepthSpeed& one : speed.depths) record(planning.ledger(), model.fingerprint, one, cache, test.decoded_tokens);
  planning.ledger().note(model.fingerprint, store::MeasurementKind::kLoadMs, "", 0, static_cast<double>(speed.loaded.load_us) / 1000);
  return {};
}

Result<std::vector<InstalledModel>> chosen_models(ModelCatalog& catalog, const std::vector<std::string>& names) {
  const std::vector<InstalledModel> installed = catalog.models();
  if (names.empty()) {
    if (installed.empty()) return fail(ErrorCode::kNotFound, "no model is installed", "get one with `pensieve pull`");
    return installed;
  }
  std::vector<InstalledModel> models;
  for (const std::string& name : names) {
    const ResolvedName resolved = TRY(catalog.resolve(name));
    models.push_back(*std::ranges::find(installed, resolved.id, &InstalledModel::id));
  }
  return models;
}

Result<void> bench(const Choices& choices) {
  TRY_VOID(start_logging("warn", "bench"));
  const Paths where = TRY(paths());
  const Config settings = TRY(config(where));
  TRY_VOID(ensure_folder(where.data));
  const SystemClock clock;
  Planning planning(where, settings, clock, true);
  ModelCatalog catalog = open_catalog(where, settings, planning.probe());
  engine::SpeedTest test{.repetitions = choices.repetitions};
  if (!choices.depths.empty()) test.depths = choices.depths;
  std::ranges::sort(test.depths);
  engine::initialise_backends();
  std::vector<Line> lines;
  for (const InstalledModel& model : TRY(chosen_models(catalog, choices.models))) {
    if (const Result<void> measured = bench_model(model, planning, settings.engine, test, lines); !measured) print_error(measured.error());
  }
  if (lines.empty()) return fail(ErrorCode::kUnavailable, "nothing was measured", "see the errors above");
  std::print("{}", choices.json ? to_json(lines) + "\n" : to_table(lines));
  return {};
}

}  // namespace

void add_bench(CLI::App& app, Run& chosen) {
  static Choices choices;
  CLI::App* command = add_command(app, "bench", "Measure how fast installed models are here; predictions learn from it",
                                  "pensieve bench smollm2-135m-instruct-q4_1", chosen, [] { return bench(choices); });
  command->add_option("model", choices.models, "models to measure, by id, alias or role (default: all that are installed)");
  command->add_option("--depth", choices.depths, "tokens of the prompts (default: 16 256 1024)")->check(CLI::Range(1, 4'194'304));
  command->add_option("--repetitions", choices.repetitions, "answers to each prompt")->check(CLI::Range(1, 1000));
  command->add_flag("--json", choices.json, "print JSON");
}

}  // namespace pensieve::cli
