// SmartModelSelector in the server: a GenerationService around another that chooses the model of
// each request whose name leaves the choice to the server.
#pragma once

#include "base/clock.h"
#include "config/config.h"
#include "manager/decision_log.h"
#include "manager/fleet_history.h"
#include "manager/model_planner.h"
#include "manager/service.h"
#include "selector/assess.h"
#include "selector/decision.h"
#include "selector/machine_bound.h"

namespace pensieve {

// Settings of routing as the configuration has them.
selector::SelectorPolicy selector_policy(const RoutingConfig& config);
selector::RequirementDefaults requirement_defaults(const RoutingConfig& config);

// How the machine bears on the choice of a model: the monitor's word.
struct MachineView {
  bool pressed = false;
  bool hot = false;
  selector::Objections objections;
};

// `service` and `directory` outlive it and its streams. On the supervisor's loop only.
class RoutingService final : public GenerationService {
 public:
  struct Settings {
    selector::SelectorPolicy policy;
    selector::RequirementDefaults defaults;
    const ModelPlanner& planner;
  };
  RoutingService(GenerationService& service, ModelDirectory& directory, const Clock& clock, Settings settings)
      : service_(service),
        directory_(directory),
        clock_(clock),
        settings_(std::move(settings)),
        assessor_(selector::RoutingWeights::embedded()) {}

  // The decision that `request` would get now; nothing is loaded or kept. Error: no such model.
  Result<DecisionRecord> decide(const GenerationRequest& request);
  [[nodiscard]] const DecisionLog& log() const { return log_; }
  [[nodiscard]] DecisionLog& log() { return log_; }

  // What the machine says from now on.
  void set_machine(MachineView machine) { machine_ = std::move(machine); }
  // The models as the next decision would see them, whatever it asks.
  [[nodiscard]] selector::FleetSnapshot fleet() const { return fleet(GenerationRequest{}, kUsualDepth); }

  // Replaces the name by the chosen model's id and keeps the decision under `request.id`.
  Result<void> choose(GenerationRequest& request) override;
  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override;
  Result<void> pin(std::string_view model, bool pinned) override { return service_.pin(model, pinned); }
  Result<void> keep(std::string_view model, std::optional<std::chrono::seconds> idle) override { return service_.keep(model, idle); }
  boost::asio::awaitable<bool> settled(std::string model, std::chrono::milliseconds patience) override {
    return service_.settled(std::move(model), patience);
  }
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest request) override {
    return service_.count_tokens(std::move(request));
  }
  boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest request) override { return service_.embed(std::move(request)); }
  boost::asio::awaitable<Result<void>> load(std::string model) override { return service_.load(std::move(model)); }
  boost::asio::awaitable<Result<void>> unload(std::string model) override { return service_.unload(std::move(model)); }
  Result<void> keep(std::string_view model, std::optional<std::chrono::seconds> idle) override { return service_.keep(model, idle); }
  [[nodiscard]] Result<ModelStatus> find(std::string_view name) const override { return service_.find(name); }
  [[nodiscard]] ServiceStatus status() const override { return service_.status(); }

 private:
  static constexpr std::int64_t kUsualDepth = 1024;  // tokens at which speeds are told that no request asks for
  class Stream;

  [[nodiscard]] selector::FleetSnapshot fleet(const GenerationRequest& request, std::int64_t depth) const;

  GenerationService& service_;
  ModelDirectory& directory_;
  const Clock& clock_;
  Settings settings_;
  selector::Assessor assessor_;
  FleetHistory history_;
  DecisionLog log_;
  MachineView machine_;
};

}  // namespace pensieve
