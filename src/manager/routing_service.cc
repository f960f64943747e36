#include "manager/routing_service.h"

#include <algorithm>
#include <utility>

#include "manager/adapter_choice.h"
#include "manager/fleet_view.h"

namespace pensieve {

namespace asio = boost::asio;

// Watches an answer for its outcome.
class RoutingService::Stream final : public GenerationStream {
 public:
  Stream(RoutingService& service, std::unique_ptr<GenerationStream> stream, std::string id, std::string model, std::uint64_t conversation)
      : service_(service),
        stream_(std::move(stream)),
        id_(std::move(id)),
        chosen_(std::move(model)),
        conversation_(conversation),
        begin_(service.clock_.steady_now()) {}
  ~Stream() override {
    if (outcome_.ended) return;
    outcome_.ended = outcome_.disconnected = true;
    service_.log_.note_outcome(id_, std::move(outcome_));
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds patience) override {
    std::optional<GenerationEvent> event = co_await stream_->next(patience);
    if (event) observe(*event);
    co_return event;
  }
  [[nodiscard]] const std::string& model() const override { return stream_->model(); }
  [[nodiscard]] std::string degraded() const override { return stream_->degraded(); }

 private:
  void observe(const GenerationEvent& event) {
    if (std::holds_alternative<Started>(event)) return;
    if (outcome_.ttft.count() == 0) outcome_.ttft = std::chrono::ceil<std::chrono::milliseconds>(service_.clock_.steady_now() - begin_);
    if (const auto* failed = std::get_if<Failed>(&event)) outcome_.error = failed->error.message;
    if (const auto* finished = std::get_if<Finished>(&event)) {
      const Usage& usage = finished->usage;
      outcome_.prompt_tokens = usage.prompt_tokens;
      outcome_.cached_prompt_tokens = usage.cached_prompt_tokens;
      outcome_.answer_tokens = usage.completion_tokens;
      outcome_.speed = rate(usage.completion_tokens, std::chrono::microseconds(finished->timings.decode_us));
      service_.history_.note_answer(chosen_, conversation_, usage, finished->timings);
    }
    if (!is_terminal(event)) return;
    outcome_.ended = true;
    service_.log_.note_outcome(id_, outcome_);
  }

  RoutingService& service_;
  std::unique_ptr<GenerationStream> stream_;
  std::string id_;
  std::string chosen_;  // id of the model
  std::uint64_t conversation_;
  SteadyTime begin_;
  DecisionOutcome outcome_;
};

selector::SelectorPolicy selector_policy(const RoutingConfig& config) {
  selector::SelectorPolicy policy;
  if (config.policy == "classic") policy.routing = selector::RoutingPolicy::kClassic;
  return policy;
}

selector::RequirementDefaults requirement_defaults(const RoutingConfig& config) {
  selector::RequirementDefaults defaults;
  defaults.quality = selector::parse_quality(config.quality).value_or(defaults.quality);
  defaults.performance = selector::parse_performance(config.performance).value_or(defaults.performance);
  defaults.min_speed = {static_cast<double>(config.min_tokens_per_second)};
  defaults.max_ttft = std::chrono::milliseconds(config.max_ttft_ms);
  return defaults;
}

namespace {

// The model with the largest context, a loaded one before others.
std::string widest_model(const ServiceStatus& status) {
  const auto rank = [](const ModelStatus& model) { return std::pair(model.context_tokens, model.state == ModelState::kReady); };
  return std::ranges::max(status.models, {}, rank).id;
}

}  // namespace

selector::FleetSnapshot RoutingService::fleet(const GenerationRequest& request, std::int64_t depth) const {
  selector::FleetSnapshot fleet;
  const std::vector<InstalledModel> installed = directory_.models();
  const ServiceStatus service = service_.status();
  const FleetMachine machine = fleet_machine(settings_.planner, service.models, clock_.steady_now());
  fleet.machine.model_memory = machine.state.limit;
  for (const ModelStatus& status : service.models) {
    const auto model = std::ranges::find(installed, status.id, &InstalledModel::id);
    if (model == installed.end()) continue;
    selector::FleetModel view = fleet_model(*model, status, machine, depth);
    if (const TokensPerSecond speed = history_.decode(status.id); speed.value > 0) {
      view.decode = speed;
      view.speed_measured = true;
    }
    if (const TokensPerSecond speed = history_.prefill(status.id); speed.value > 0) view.prefill = speed;
    add_specialists(view, directory_.adapters(), fleet);
    if (view.place == selector::ModelPlace::kReady) view.warm_tokens = history_.warm_tokens(status.id, conversation_key(request));
    fleet.models.push_back(std::move(view));
  }
  return fleet;
}

Result<DecisionRecord> RoutingService::decide(const GenerationRequest& request) {
  const ResolvedName name = TRY(directory_.resolve(request.model));
  const SteadyTime begin = clock_.steady_now();
  const selector::Assessment task = assessor_.assess(request);
  const selector::FleetSnapshot snapshot = fleet(request, task.needs.prompt_tokens + task.needs.answer_tokens / 2);
  const selector::Requirement requirement = selector::resolve_requirement(request, settings_.defaults, name.automatic);
  DecisionRecord record{.id = request.id, .asked = request.model};
  record.decision = name.fixed ? selector::decide_fixed(task, requirement, snapshot, settings_.policy, name.id)
                               : selector::decide(task, requirement, snapshot, settings_.policy);
  record.time_taken = clock_.steady_now() - begin;
  record.prompt_hash = prompt_hash(request);
  record.at_unix = std::chrono::duration_cast<std::chrono::seconds>(clock_.wall_now().time_since_epoch()).count();
  if (!record.decision.chosen) return std::unexpected(selector::no_model_error(record.decision, snapshot));
  return record;
}

Result<void> RoutingService::choose(GenerationRequest& request) {
  const ResolvedName name = TRY(directory_.resolve(request.model));
  if (name.fixed) return {};
  if (!request.adapters.empty()) {
    // An adapter fits one model, which so is chosen.
    request.model = TRY(model_of_adapter(request.adapters.front().name, directory_));
    return {};
  }
  Result<DecisionRecord> record = decide(request);
  if (!record && record.error().code == ErrorCode::kContextOverflow) {
    // The decision estimates the tokens. Only a model's own tokenizer may refuse a prompt for its length, in exact figures.
    request.model = widest_model(service_.status());
    return {};
  }
  if (!record) return std::unexpected(std::move(record).error());
  request.model = record->decision.model();
  log_.keep(*std::move(record));
  return {};
}

asio::awaitable<Result<std::unique_ptr<GenerationStream>>> RoutingService::generate(GenerationRequest request) {
  if (Result<void> chosen = choose(request); !chosen) co_return std::unexpected(std::move(chosen).error());
  const std::string id = request.id;
  const std::string model = request.model;
  const std::uint64_t conversation = conversation_key(request);
  Result<std::unique_ptr<GenerationStream>> stream = co_await service_.generate(std::move(request));
  if (!stream) {
    log_.note_outcome(id, {.ended = true, .error = stream.error().message});
    co_return std::unexpected(std::move(stream).error());
  }
  co_return std::make_unique<Stream>(*this, *std::move(stream), id, model, conversation);
}

}  // namespace pensieve
