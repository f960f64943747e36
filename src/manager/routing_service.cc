#include "manager/routing_service.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <utility>

#include "manager/adapter_choice.h"
#include "manager/fleet_view.h"
#include "manager/routed_stream.h"
#include "manager/triage.h"
#include "selector/machine_bound.h"

namespace pensieve {

namespace asio = boost::asio;

namespace {

// A model that did not load is looked at again after this, also where others can answer.
constexpr std::chrono::seconds kFailureCounts{60};
// A yes or no that is hardly more than a guess changes nothing.
constexpr double kLeastCertain = 0.15;
constexpr double kNewestTry = 0.1;

// Errors of the model rather than of the request: another one may answer.
bool another_may_answer(ErrorCode code) {
  using enum ErrorCode;
  return code == kOutOfMemory || code == kUnavailable || code == kWorkerLost || code == kIo || code == kTimeout || code == kOverloaded ||
         code == kNotFound || code == kInternal;
}

// The model of that name, which has to be one that answers.
Result<ResolvedName> resolve_to_answer(ModelDirectory& directory, const std::string& asked) {
  ResolvedName name = TRY(directory.resolve(asked));
  const std::vector<InstalledModel> models = directory.models();
  const auto found = std::ranges::find(models, name.id, &InstalledModel::id);
  if (!name.fixed || found == models.end() || !found->makes_embeddings) return name;
  return fail(ErrorCode::kUnsupported, std::format("model '{}' makes embeddings and can't answer", found->id),
              "use a chat model, or /v1/embeddings", "model");
}

// Where all contexts seem too short: the widest one, a loaded one before others. The estimate may not
// refuse; only a model's own tokenizer does, in exact figures.
std::optional<std::size_t> widest_context(const selector::Decision& decision, const selector::FleetSnapshot& fleet) {
  std::optional<std::size_t> widest;
  const auto rank = [&](std::size_t i) {
    return std::pair(fleet.models[i].context_tokens, fleet.models[i].place == selector::ModelPlace::kReady);
  };
  for (std::size_t i = 0; i < fleet.models.size(); ++i) {
    if (decision.candidates[i].verdict != selector::Verdict::kContextTooLong) continue;
    if (!widest || rank(i) > rank(*widest)) widest = i;
  }
  return widest;
}

}  // namespace

// A failure counts for a while only, so that a model that can be loaded again is.
void RoutingService::note_failure(selector::FleetModel& model) {
  if (model.place != selector::ModelPlace::kFailed) {
    failed_since_.erase(model.id);
    return;
  }
  const SteadyTime since = failed_since_.try_emplace(model.id, clock_.steady_now()).first->second;
  if (clock_.steady_now() - since >= kFailureCounts) model.place = selector::ModelPlace::kUnloaded;
}

selector::FleetSnapshot RoutingService::fleet(const GenerationRequest& request, std::int64_t depth, const Excluded& excluded) {
  selector::FleetSnapshot fleet;
  const std::vector<InstalledModel> installed = directory_.models();
  const ServiceStatus service = service_.status();
  const FleetMachine machine = fleet_machine(settings_.planner, service.models, clock_.steady_now());
  fleet.machine = {.model_memory = machine.state.limit, .pressed = machine_.pressed, .hot = machine_.hot};
  const std::uint64_t conversation = conversation_key(request);
  for (const ModelStatus& status : service.models) {
    const auto model = std::ranges::find(installed, status.id, &InstalledModel::id);
    if (model == installed.end() || model->makes_embeddings) continue;
    selector::FleetModel view = fleet_model(*model, status, machine, depth);
    apply_speeds(view, history_);
    if (view.place == selector::ModelPlace::kReady) view.warm_tokens = history_.warm_tokens(status.id, conversation);
    note_failure(view);
    if (const auto failed = excluded.find(status.id); failed != excluded.end()) {
      view.place = selector::ModelPlace::kFailed;
      view.place_reason = failed->second;
    }
    add_specialists(view, directory_.adapters(), fleet);
    fleet.models.push_back(std::move(view));
  }
  return fleet;
}

RoutingService::Judged RoutingService::judge(const GenerationRequest& request, const ResolvedName& name, const Excluded& excluded) {
  Judged judged{.record = {.id = request.id, .asked = request.model, .named = name.fixed}, .fleet = {}, .adapters = name.adapters};
  const SteadyTime begin = judged.record.at = clock_.steady_now();
  const selector::Assessment task = assessor_.assess(request);
  const auto assess_time = clock_.steady_now() - begin;
  judged.fleet = fleet(request, task.needs.prompt_tokens + task.needs.answer_tokens / 2, excluded);
  const SteadyTime deciding = clock_.steady_now();
  const selector::Requirement requirement = selector::resolve_requirement(request, settings_.defaults, name.automatic);
  DecisionRecord& record = judged.record;
  record.decision = name.fixed ? selector::decide_fixed(task, requirement, judged.fleet, settings_.policy, name.id)
                               : selector::decide_on_machine(machine_.objections, task, requirement, judged.fleet, settings_.policy);
  record.time_taken = assess_time + (clock_.steady_now() - deciding);
  record.prompt_hash = prompt_hash(request);
  record.at_unix = std::chrono::duration_cast<std::chrono::seconds>(clock_.wall_now().time_since_epoch()).count();
  return judged;
}

Result<DecisionRecord> RoutingService::decide(const GenerationRequest& request) {
  const ResolvedName name = TRY(resolve_to_answer(directory_, request.model));
  Judged judged = judge(request, name);
  if (!judged.record.decision.chosen) return std::unexpected(selector::no_model_error(judged.record.decision, judged.fleet));
  return std::move(judged.record);
}

asio::awaitable<void> RoutingService::triage(const GenerationRequest& request, Judged& judged) {
  DecisionRecord& record = judged.record;
  const auto plan = selector::plan_triage(record.decision, judged.fleet, settings_.policy, settings_.tiers);
  if (!plan) co_return;
  const SteadyTime begin = clock_.steady_now();
  TriageOutcome outcome{.model = plan->model, .boundary = plan->boundary};
  outcome.yes = co_await ask_yes_no(service_, triage_question(request, *plan), clock_, settings_.tiers.triage_limit);
  if (outcome.yes && std::abs(*outcome.yes - 0.5) >= kLeastCertain) {
    const std::string before = record.decision.model();
    const selector::Assessment& task = *outcome.yes > 0.5 ? plan->if_harder : plan->if_easier;
    record.decision = selector::decide_on_machine(machine_.objections, task, record.decision.requirement, judged.fleet, settings_.policy);
    outcome.changed = record.decision.model() != before;
  }
  outcome.time = std::chrono::ceil<std::chrono::milliseconds>(clock_.steady_now() - begin);
  record.triage = std::move(outcome);
}

void RoutingService::plan_cascade(const GenerationRequest& request, Judged& judged) {
  if (request.prompt_kind != PromptKind::kMessages || request.continue_last_message) return;
  auto plan = selector::plan_cascade(judged.record.decision, judged.fleet, settings_.tiers, kept_share_);
  if (plan) judged.record.cascade = CascadeTry{.plan = *std::move(plan), .outcome = {}};
}

// Keeps the decision and puts the chosen model into the request, or keeps and returns the refusal.
Result<void> RoutingService::admit(GenerationRequest& request, Judged judged) {
  DecisionRecord& record = judged.record;
  selector::Decision& decision = record.decision;
  if (!decision.chosen) {
    decision.chosen = widest_context(decision, judged.fleet);
    if (decision.chosen) decision.steps.emplace_back("count the prompt's tokens, which seem too many");
  }
  if (!decision.chosen) {
    Error error = selector::no_model_error(decision, judged.fleet);
    record.outcome = {.ended = true, .error = error.text()};
    log_.keep(std::move(record));
    return std::unexpected(std::move(error));
  }
  request.model = record.first_model();
  for (const std::string& adapter : judged.adapters) request.model += "+" + adapter;
  record.sent = request.model;
  log_.keep(std::move(record));
  return {};
}

// The decision that led to the request's model already, or that the same words got under the same id.
const DecisionRecord* RoutingService::decided(const GenerationRequest& request) const {
  const DecisionRecord* record = request.id.empty() ? nullptr : log_.find(request.id);
  if (record == nullptr || !record->decision.chosen || record->outcome.disconnected) return nullptr;
  if (record->sent == request.model) return record;
  return record->asked == request.model && record->prompt_hash == prompt_hash(request) ? record : nullptr;
}

asio::awaitable<Result<void>> RoutingService::choose(GenerationRequest& request) {
  if (const DecisionRecord* record = decided(request)) {
    request.model = record->sent;
    co_return Result<void>();
  }
  Result<ResolvedName> name = resolve_to_answer(directory_, request.model);
  if (!name) co_return std::unexpected(name.error());
  if (!name->fixed && !request.adapters.empty()) {
    // An adapter fits one model, which so is chosen.
    const Result<std::string> model = model_of_adapter(request.adapters.front().name, directory_);
    if (!model) co_return std::unexpected(model.error());
    name = ResolvedName{.id = *model};
  }
  Judged judged = judge(request, *name);
  if (!name->fixed) {
    co_await triage(request, judged);
    plan_cascade(request, judged);
  }
  co_return admit(request, std::move(judged));
}

void RoutingService::note_cascade(const std::string& id, const CascadeOutcome& outcome) {
  kept_share_ += kNewestTry * ((outcome.escalated ? 0.0 : 1.0) - kept_share_);
  log_.note_cascade(id, outcome);
}

// Begins with the model in the request, which is the decision's first.
asio::awaitable<Result<std::unique_ptr<GenerationStream>>> RoutingService::begin(GenerationRequest request) {
  const DecisionRecord* record = log_.find(request.id);
  const bool tries = record != nullptr && record->cascade && !record->cascade->outcome && record->cascade->plan.small == request.model;
  if (!tries) co_return co_await service_.generate(std::move(request));
  const std::string large = record->cascade->plan.large;
  Result<std::unique_ptr<GenerationStream>> small = co_await service_.generate(CascadeStream::with_logprobs(request));
  if (!small) {
    note_cascade(request.id, {.escalated = true, .reason = small.error().message});
    request.model = large;
    co_return co_await service_.generate(std::move(request));
  }
  const CascadeStream::Settings settings{.held_tokens = settings_.tiers.held_tokens, .min_confidence = settings_.tiers.min_confidence};
  const auto on_verdict = [this, id = request.id](const CascadeOutcome& outcome) { note_cascade(id, outcome); };
  co_return std::make_unique<CascadeStream>(service_, clock_, *std::move(small), std::move(request), large, settings, on_verdict);
}

// After `error` of the request's model: the next best one where the choice is the server's.
bool RoutingService::choose_another(GenerationRequest& request, const Error& error, Excluded& excluded) {
  const DecisionRecord* record = request.id.empty() ? nullptr : log_.find(request.id);
  if (record == nullptr || record->named || !another_may_answer(error.code)) return false;
  excluded.emplace(record->decision.model(), error.message);
  const std::string asked = record->asked;
  const Result<ResolvedName> name = directory_.resolve(asked);
  if (!name || name->fixed) return false;
  GenerationRequest again = request;
  again.model = asked;
  Judged judged = judge(again, *name, excluded);
  if (!judged.record.decision.chosen || excluded.contains(judged.record.decision.model())) return false;
  for (const auto& [model, why] : excluded) judged.record.decision.steps.push_back(std::format("'{}' could not answer: {}", model, why));
  return admit(request, std::move(judged)).has_value();
}

asio::awaitable<Result<std::unique_ptr<GenerationStream>>> RoutingService::generate(GenerationRequest request) {
  if (Result<void> chosen = co_await choose(request); !chosen) co_return std::unexpected(std::move(chosen).error());
  RoutedStream::Subject subject{.decision = request.id, .conversation = conversation_key(request), .begin = clock_.steady_now()};
  Excluded excluded;
  for (;;) {
    const DecisionRecord* record = log_.find(subject.decision);
    const bool last_try = record == nullptr || record->named;
    GenerationRequest sent = last_try ? std::move(request) : request;
    Result<std::unique_ptr<GenerationStream>> stream = co_await begin(std::move(sent));
    record = log_.find(subject.decision);
    if (stream && record != nullptr) {
      subject.shortfall = record->decision.shortfall;
      subject.begin = record->at;
    }
    if (stream) {
      co_return std::make_unique<RoutedStream>(RoutedStream::Observers{log_, history_, clock_}, *std::move(stream), std::move(subject));
    }
    if (!last_try && choose_another(request, stream.error(), excluded)) continue;
    log_.note_outcome(subject.decision, {.ended = true, .error = stream.error().message});
    co_return std::unexpected(std::move(stream).error());
  }
}

}  // namespace pensieve
