#include <format>
#include <print>

#include "cli.h"
#include "machine_choice.h"

namespace pensieve::cli {
namespace {

struct Choices {
  std::vector<std::string> models;
  std::string machine;
  std::string explain;
  std::string cache_type;
  std::uint32_t context = 0;
  std::uint32_t parallel = 1;
  std::int64_t depth = 1024;
  bool json = false;
  bool measure = false;
};

Result<fit::Options> options_of(const Choices& choices) {
  fit::Options options{.context_tokens = choices.context, .parallel = choices.parallel, .depth = choices.depth};
  if (choices.cache_type.empty()) return options;
  options.cache = memory::find_cache_type(choices.cache_type);
  if (!options.cache) {
    return fail(ErrorCode::kInvalidArgument, std::format("unknown cache type '{}'", choices.cache_type), "use f16, q8_0 or q4_0");
  }
  return options;
}

auto measurements_of(const PerformanceLedger& ledger) {
  return [&ledger](const fit::Candidate& candidate, memory::CacheType cache, std::int64_t depth) {
    const auto figure = [&](store::MeasurementKind kind) -> std::optional<fit::Measurement::Figure> {
      const auto found = ledger.find(candidate.fingerprint, kind, memory::format_of(cache).name, depth);
      if (!found) return std::nullopt;
      return fit::Measurement::Figure{found->value, found->depth};
    };
    return fit::Measurement{figure(store::MeasurementKind::kDecodeTps), figure(store::MeasurementKind::kPrefillTps)};
  };
}

Result<void> fit_command(const Choices& choices) {
  const Paths where = TRY(paths());
  const Config settings = TRY(config(where));
  if (choices.measure) TRY_VOID(measure_machine(where, settings));
  const ChosenMachine machine = TRY(choose_machine(choices.machine, where, settings));
  fit::Options options = TRY(options_of(choices));
  if (machine.ledger) options.measured = measurements_of(*machine.ledger);
  if (!choices.explain.empty()) {
    std::print("{}", fit::explain_text(TRY(find_candidate(choices.explain, where, settings)), machine.state, options));
    return {};
  }
  std::vector<fit::Candidate> candidates;
  for (const std::string& name : choices.models) candidates.push_back(TRY(find_candidate(name, where, settings)));
  if (candidates.empty()) candidates = all_candidates(where, settings);
  const std::vector<fit::Row> rows = fit::table(candidates, machine.profile, machine.state, options);
  std::print("{}", choices.json ? fit::to_json(rows, machine.profile) + "\n" : fit::to_terminal(rows, machine.profile, machine.state));
  return {};
}

}  // namespace

void add_fit(CLI::App& app, Run& chosen) {
  static Choices choices;
  CLI::App* command = add_command(app, "fit", "Show which models fit this machine, at which context and speed",
                                  "pensieve fit --machine m1-16gb", chosen, [] { return fit_command(choices); });
  command->add_option("model", choices.models,
                      "models to judge: an installed id, a file, a URL, NAME[:QUANT] of the catalog (default: all)");
  command->add_option("--machine", choices.machine, "a machine profile instead of this machine, for example m1-16gb");
  command->add_option("--ctx", choices.context, "context in tokens (default: 4096)")->check(CLI::Range(1U, 4'194'304U));
  command->add_option("--parallel", choices.parallel, "requests at once")->check(CLI::Range(1U, 256U));
  command->add_option("--depth", choices.depth, "tokens in the cache at which speeds are told")->check(CLI::Range(0, 4'194'304));
  command->add_option("--kv-type", choices.cache_type, "cache type: f16, q8_0 or q4_0 (default: what fits)");
  command->add_option("--explain", choices.explain, "add up every term for one model");
  command->add_flag("--measure", choices.measure, "measure this machine first (once, some seconds)");
  command->add_flag("--json", choices.json, "print JSON");
}

}  // namespace pensieve::cli
