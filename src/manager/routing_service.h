// SmartModelSelector in the server: a GenerationService around another that decides on each request.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "manager/decision_log.h"
#include "manager/fleet_history.h"
#include "manager/forwarding_service.h"
#include "manager/model_planner.h"
#include "manager/routing_settings.h"
#include "selector/assess.h"
#include "selector/decision.h"
#include "selector/machine_bound.h"
#include "selector/tiers.h"

namespace pensieve {

// How the machine bears on the choice of a model: the monitor's word.
struct MachineView {
  bool pressed = false;
  bool hot = false;
  selector::Objections objections;
};

// A request whose name leaves the choice to the server gets the model that the decision chooses; if that
// one cannot be had, the next best. One that names a model gets that or a refusal with the way out. Both
// are kept as decisions. `service` and `directory` outlive it and its streams. On the supervisor's loop
// only.
class RoutingService final : public ForwardingService {
 public:
  struct Settings {
    selector::SelectorPolicy policy;
    selector::RequirementDefaults defaults;
    const ModelPlanner& planner;
    selector::TierPolicy tiers = {};
  };
  RoutingService(GenerationService& service, ModelDirectory& directory, const Clock& clock, Settings settings)
      : ForwardingService(service),
        directory_(directory),
        clock_(clock),
        settings_(std::move(settings)),
        assessor_(selector::RoutingWeights::embedded()) {}

  // The decision that `request` would get now; nothing is loaded, asked or kept. Errors: no such model,
  // and what keeps all models from answering.
  Result<DecisionRecord> decide(const GenerationRequest& request);
  [[nodiscard]] const DecisionLog& log() const { return log_; }
  [[nodiscard]] DecisionLog& log() { return log_; }

  // What the machine says from now on.
  void set_machine(MachineView machine) { machine_ = std::move(machine); }
  // The models as the next decision would see them, whatever it asks.
  [[nodiscard]] selector::FleetSnapshot fleet() { return fleet(GenerationRequest{}, kUsualDepth, {}); }

  // Replaces the name by the id of the model that the request goes to and keeps the decision under
  // `request.id`. Requests with the same id and the same words get the same model.
  boost::asio::awaitable<Result<void>> choose(GenerationRequest& request) override;
  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override;

 private:
  static constexpr std::int64_t kUsualDepth = 1024;  // tokens at which speeds are told that no request asks for

  // A model that failed for a request, and why.
  using Excluded = std::map<std::string, std::string, std::less<>>;
  struct Judged {
    DecisionRecord record;
    selector::FleetSnapshot fleet;
    std::vector<std::string> adapters;  // that the request's name asks for
  };

  selector::FleetSnapshot fleet(const GenerationRequest& request, std::int64_t depth, const Excluded& excluded);
  void note_failure(selector::FleetModel& model);
  Judged judge(const GenerationRequest& request, const ResolvedName& name, const Excluded& excluded = {});
  boost::asio::awaitable<void> triage(const GenerationRequest& request, Judged& judged);
  void plan_cascade(const GenerationRequest& request, Judged& judged);
  Result<void> admit(GenerationRequest& request, Judged judged);
  [[nodiscard]] const DecisionRecord* decided(const GenerationRequest& request) const;
  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> begin(GenerationRequest request);
  bool choose_another(GenerationRequest& request, const Error& error, Excluded& excluded);
  void note_cascade(const std::string& id, const CascadeOutcome& outcome);

  ModelDirectory& directory_;
  const Clock& clock_;
  Settings settings_;
  selector::Assessor assessor_;
  FleetHistory history_;
  DecisionLog log_;
  MachineView machine_;
  std::map<std::string, SteadyTime, std::less<>> failed_since_;  // by model, as seen here first
  // Of small models' tries, the newest counting most; begins as one of two kept.
  double kept_share_ = 0.5;
};

}  // namespace pensieve
