// simulate: the policy against a simulated machine.
#include <algorithm>
#include <filesystem>
#include <format>
#include <fstream>
#include <iterator>
#include <print>

#include "cli.h"
#include "sim/report.h"

namespace pensieve::cli {
namespace {

struct Options {
  std::string machine = "m1-16gb";
  std::string scenario = "day";
  std::string policy = "all";
  std::string html;
  std::uint64_t seed = 1;
  bool json = false;
};

constexpr std::uintmax_t kLargestScenario = 4'000'000;
constexpr std::size_t kShownNotes = 60;

// A shipped scenario's name or a file's path.
Result<sim::Scenario> find_scenario(const std::string& what) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(what, error)) return sim::shipped_scenario(what);
  if (std::filesystem::file_size(what, error) > kLargestScenario) {
    return fail(ErrorCode::kInvalidArgument, std::format("{} is too large for a scenario", what), "docs/simulation.md describes the file");
  }
  std::ifstream file(what, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file) return fail(ErrorCode::kIo, std::format("can't read {}", what), "check the file's permissions");
  return sim::parse_scenario(text, std::filesystem::path(what).stem().string());
}

std::string percent(double share) { return std::format("{:.1f}", 100 * share); }

void print_summaries(const std::vector<sim::Outcome>& outcomes) {
  std::vector<std::vector<std::string>> rows;
  for (const sim::Outcome& outcome : outcomes) {
    const sim::Summary& s = outcome.summary;
    const double all = static_cast<double>(std::max<std::int64_t>(1, s.requests));
    rows.push_back({s.policy, percent(s.quality_at_good), percent(s.seamless), percent(s.good), percent(s.acceptable),
                    percent(s.frustrating), percent(s.unusable), percent(static_cast<double>(s.refused) / all), std::to_string(s.loads),
                    std::to_string(s.changes), std::format("{:.0f} s", s.swap_seconds), std::format("{:.0f} s", s.worst_latency_s)});
  }
  std::print("{}", render_table({{"POLICY"},
                                 {"QUALITY AT GOOD %", true},
                                 {"SEAMLESS %", true},
                                 {"GOOD %", true},
                                 {"ACCEPTABLE %", true},
                                 {"FRUSTRATING %", true},
                                 {"UNUSABLE %", true},
                                 {"REFUSED %", true},
                                 {"LOADS", true},
                                 {"CHANGES", true},
                                 {"IN SWAP", true},
                                 {"WORST", true}},
                                rows, table_style()));
}

void print_timeline(const sim::Outcome& outcome) {
  std::size_t shown = 0;
  for (const sim::Note& note : outcome.notes) {
    if (++shown > kShownNotes) break;
    const auto minute = static_cast<std::int64_t>(note.at / 60);
    std::println("{:>3}:{:02} {:<10} {}", minute / 60, minute % 60, note.kind, note.text);
  }
  if (outcome.notes.size() > kShownNotes) std::println("       and {} more; --json has them", outcome.notes.size() - kShownNotes);
  if (shown > 0) std::println("");
}

Result<void> write_html(const std::string& path, const std::string& page) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << page;
  file.close();
  if (!file) return fail(ErrorCode::kIo, std::format("can't write {}", path), "choose a file in a folder that exists and has room");
  return {};
}

Result<void> simulate(const Options& options) {
  const MachineProfile machine = TRY(find_profile(options.machine));
  const sim::Scenario scenario = TRY(find_scenario(options.scenario));
  const std::vector<sim::SimModel> models = TRY(sim::scenario_models(scenario, machine));
  const std::vector<sim::SimRequest> requests = sim::draw_requests(scenario, options.seed);
  std::vector<std::string> names = sim::policy_names();
  if (options.policy != "all") names = {options.policy};
  std::vector<sim::Outcome> outcomes;
  for (const std::string& name : names) {
    const auto policy = TRY(sim::make_policy(name, scenario, machine));
    outcomes.push_back(sim::simulate(scenario, machine, models, requests, *policy));
  }
  if (!options.html.empty()) TRY_VOID(write_html(options.html, sim::report_html(scenario, machine, options.seed, outcomes)));
  if (options.json) {
    std::println("{}", sim::report_json(scenario, machine, options.seed, outcomes));
    return {};
  }
  std::println("{} on {}, {} requests, seed {}\n", scenario.title.empty() ? scenario.name : scenario.title, machine.title, requests.size(),
               options.seed);
  print_timeline(outcomes.front());
  print_summaries(outcomes);
  return {};
}

}  // namespace

void add_simulate(CLI::App& app, Run& chosen) {
  static Options options;
  CLI::App* command = add_command(app, "simulate", "Try the policy on a simulated machine", "pensieve simulate --scenario day", chosen,
                                  [] { return simulate(options); });
  command->add_option("--machine", options.machine, "machine profile")->capture_default_str();
  command->add_option("--scenario", options.scenario, "file, or the name of a shipped scenario")->capture_default_str();
  command->add_option("--policy", options.policy, "pensieve, sketch, biggest, smallest, lru, or all")->capture_default_str();
  command->add_option("--seed", options.seed, "draws the requests")->capture_default_str();
  command->add_option("--html", options.html, "also write plots to this file");
  command->add_flag("--json", options.json, "print JSON");
}

}  // namespace pensieve::cli
