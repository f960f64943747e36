#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <format>
#include <iostream>
#include <optional>
#include <print>

#include "api/admin/decision_archive.h"
#include "api/admin/decision_json.h"
#include "api/json_value.h"
#include "api/routing_request.h"
#include "catalog/catalog.h"
#include "cli.h"
#include "manager/fleet_view.h"
#include "manager/routing_service.h"
#include "open_catalog.h"
#include "planning.h"
#include "present.h"
#include "selector/assess.h"

namespace pensieve::cli {
namespace {

// Tokens in the cache for which speeds are told.
constexpr std::int64_t kUsualDepth = 1024;

struct Options {
  std::string prompt;
  std::string model = "auto";
  std::string quality;
  std::string performance;
  double min_tps = 0;
  std::int64_t max_ttft_ms = 0;
  std::string policy;
  bool json = false;
  bool jsonl = false;
  bool report = false;
};

// Decides on requests against the installed models; no server and no load.
class DryRun {
 public:
  DryRun(ModelCatalog catalog, selector::FleetSnapshot fleet, const RoutingConfig& routing, Options options)
      : catalog_(std::move(catalog)),
        fleet_(std::move(fleet)),
        policy_(selector_policy(routing)),
        defaults_(requirement_defaults(routing)),
        options_(std::move(options)),
        assessor_(selector::RoutingWeights::embedded()) {}

  struct Outcome {
    selector::Decision decision;
    std::chrono::nanoseconds time_taken{0};
  };

  Outcome decide(GenerationRequest request) {
    if (!request.requirements.quality) request.requirements.quality = selector::parse_quality(options_.quality);
    if (!request.requirements.performance) request.requirements.performance = selector::parse_performance(options_.performance);
    if (options_.min_tps > 0) request.requirements.min_tokens_per_second = options_.min_tps;
    if (options_.max_ttft_ms > 0) request.requirements.max_ttft_ms = options_.max_ttft_ms;
    // A name that leads nowhere is judged as auto: what a request is worth can be asked without its model.
    const ResolvedName name = catalog_.resolve(request.model).value_or(ResolvedName{.id = {}, .fixed = false});
    const auto begin = std::chrono::steady_clock::now();
    const selector::Assessment task = assessor_.assess(request);
    const selector::Requirement requirement = selector::resolve_requirement(request, defaults_, name.automatic);
    Outcome outcome{name.fixed ? selector::decide_fixed(task, requirement, fleet_, policy_, name.id)
                               : selector::decide(task, requirement, fleet_, policy_)};
    outcome.time_taken = std::chrono::steady_clock::now() - begin;
    return outcome;
  }

 private:
  ModelCatalog catalog_;
  selector::FleetSnapshot fleet_;
  selector::SelectorPolicy policy_;
  selector::RequirementDefaults defaults_;
  Options options_;
  selector::Assessor assessor_;
};

// The ledger, if there is one and it can be read.
Result<std::optional<api::DecisionArchive>> open_ledger(const Paths& where) {
  const std::filesystem::path ledger = where.data / "ledger.db";
  std::error_code ignored;
  if (!std::filesystem::exists(ledger, ignored)) return std::nullopt;
  return std::optional<api::DecisionArchive>(std::in_place, TRY(store::Database::open(ledger)));
}

Result<DryRun> prepare(const Options& options) {
  const Paths where = TRY(paths());
  const Config settings = TRY(config(where));
  const SystemClock clock;
  Planning planning(where, settings, clock, false);
  ModelCatalog catalog = open_catalog(where, settings, planning.probe());
  RoutingConfig routing = settings.routing;
  if (!options.policy.empty()) routing.policy = options.policy;
  selector::FleetSnapshot fleet = unloaded_fleet(catalog.models(), planning.planner(), kUsualDepth);
  return DryRun(std::move(catalog), std::move(fleet), routing, options);
}

void print_text(const selector::Decision& decision, std::chrono::nanoseconds time_taken) {
  const selector::Assessment& task = decision.task;
  std::println("model       {}", decision.chosen ? decision.model() : "none");
  std::println("why         {}", decision.reason);
  std::println("task        {}, score {:.2f}, {} ({})", to_string(task.task_class), task.score, to_string(task.domain),
               to_string(task.turn));
  std::println("tokens      about {} in, {} out", task.needs.prompt_tokens, task.needs.answer_tokens);
  std::println("wanted      {} quality, {} performance", selector::to_string(decision.requirement.quality),
               selector::to_string(decision.requirement.performance));
  for (const std::string& step : decision.steps) std::println("first       {}", step);
  std::println("decided in  {:.0f} us", static_cast<double>(time_taken.count()) / 1000);
  if (decision.candidates.empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const selector::CandidateDecision& candidate : decision.candidates) {
    rows.push_back({candidate.model, std::string(to_string(candidate.verdict)), std::format("{:.2f}", candidate.score), candidate.reason});
  }
  std::print("\n{}", render_table({{"MODEL"}, {"VERDICT"}, {"SCORE", true}, {"REASON", false, true}}, rows, table_style()));
}

// One decision a line; a line that is no JSON object gets an error with its number.
Result<void> route_lines(DryRun& run) {
  std::ios::sync_with_stdio(false);
  std::string line;
  std::string out;
  std::size_t number = 0;
  while (std::getline(std::cin, line)) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Result<api::Json> body = api::parse_body(line);
    if (!body) {
      out += std::format("{{\"line\":{},\"error\":{}}}\n", number, api::json_string(body.error().message));
      continue;
    }
    GenerationRequest request = api::routing_request(*body);
    const std::string id = request.id.empty() ? std::to_string(number) : request.id;
    const DryRun::Outcome outcome = run.decide(std::move(request));
    out += api::decision_json(outcome.decision, id, outcome.time_taken);
    out += '\n';
    if (out.size() > 1 << 16 || std::cin.rdbuf()->in_avail() <= 0) {
      std::fwrite(out.data(), 1, out.size(), stdout);
      std::fflush(stdout);
      out.clear();
    }
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
  return {};
}

// How decisions did, from the ledger; a server may be running or not.
Result<void> report(const Options& options) {
  const Paths where = TRY(paths());
  std::vector<api::ModelReport> models;
  if (std::optional<api::DecisionArchive> archive = TRY(open_ledger(where))) models = TRY(archive->report(store::Decisions::kKept));
  if (options.json) {
    std::println("{}", api::report_json(models));
    return {};
  }
  if (models.empty()) {
    std::println("no decisions yet");
    return {};
  }
  std::vector<std::vector<std::string>> rows;
  for (const api::ModelReport& model : models) {
    rows.push_back({model.model.empty() ? "(none could)" : model.model, std::format("{}", model.decisions), std::format("{}", model.named),
                    std::format("{}", model.finished), std::format("{}", model.failed),
                    std::format("{}", model.disconnected + model.interrupted), std::format("{}", model.regenerated),
                    std::format("{}/{}", model.escalated, model.kept), std::format("{} ({})", model.ttft_ms, model.expected_ttft_ms),
                    std::format("{:.1f} ({:.1f})", model.tps, model.expected_tps)});
  }
  std::print("{}", render_table({{"MODEL"},
                                 {"DECISIONS", true},
                                 {"NAMED", true},
                                 {"FINISHED", true},
                                 {"FAILED", true},
                                 {"LEFT", true},
                                 {"REPEATED", true},
                                 {"ESCALATED/KEPT", true},
                                 {"FIRST TOKEN MS", true},
                                 {"TOK/S", true}},
                                rows, table_style()));
  std::println("In brackets: what was expected when the decision was made. Medians of finished answers.");
  return {};
}

Result<void> route(const Options& options) {
  if (options.report) return report(options);
  DryRun run = TRY(prepare(options));
  if (options.jsonl) return route_lines(run);
  if (options.prompt.empty())
    return fail(ErrorCode::kInvalidArgument, "there is no prompt to route", "give one in quotes, or requests on stdin with --jsonl");
  GenerationRequest request;
  request.model = options.model;
  request.messages.push_back({.role = Role::kUser, .text = options.prompt});
  const DryRun::Outcome outcome = run.decide(std::move(request));
  if (options.json)
    std::println("{}", api::decision_json(outcome.decision, "1", outcome.time_taken));
  else
    print_text(outcome.decision, outcome.time_taken);
  return {};
}

}  // namespace

void add_route(CLI::App& app, Run& chosen) {
  static Options options;
  CLI::App* command =
      add_command(app, "route", "Show which model would answer, and why; loads nothing",
                  "pensieve route \"Prove that there are infinitely many primes\"\n  pensieve route --jsonl < requests.jsonl", chosen,
                  [] { return route(options); });
  command->add_option("prompt", options.prompt, "the request's text");
  command->add_option("-m,--model", options.model, "auto, auto:fast, auto:best or a model's id")->capture_default_str();
  command->add_option("--quality", options.quality, "good, high or maximum")->check(CLI::IsMember({"good", "high", "maximum"}));
  command->add_option("--performance", options.performance, "low, medium or high")->check(CLI::IsMember({"low", "medium", "high"}));
  command->add_option("--min-tps", options.min_tps, "least tokens per second")->check(CLI::NonNegativeNumber);
  command->add_option("--max-ttft-ms", options.max_ttft_ms, "longest time to the first token")->check(CLI::NonNegativeNumber);
  command->add_option("--policy", options.policy, "smart, or classic: the fixed table by role; as configured if absent")
      ->check(CLI::IsMember({"smart", "classic"}));
  command->add_flag("--json", options.json, "the decision as JSON");
  command->add_flag("--report", options.report, "how decisions did, from the ledger; with or without a server");
  command->add_flag("--jsonl", options.jsonl, "request bodies on stdin, one decision a line on stdout");
}

}  // namespace pensieve::cli
