// ModelManager: which models are loaded, and a stream of events for each request.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "config/config.h"
#include "manager/failover_stream.h"
#include "manager/model_loader.h"
#include "manager/model_planner.h"
#include "manager/resident_table.h"
#include "manager/service.h"
#include "manager/worker_pool.h"
#include "monitor/throttle.h"

namespace pensieve {

// On the supervisor's loop only. A model is loaded when a request needs it; requests for one model
// share its worker and its loading. One load happens at a time. A model is unloaded only while no
// request holds it; requests that arrive while a load waits for room are held back unless they are
// for the model to be loaded, and requests that waited for a load get their model before another load
// may unload it, so that models in turn all make progress. A model whose file changed is loaded anew
// for the next request; one whose file is gone is unloaded. An answer
// whose worker is lost goes on elsewhere (failover_stream.h).
class ModelManager final : public GenerationService, private AnswerSource {
 public:
  struct Dependencies {
    ModelDirectory& directory;
    const ModelPlanner& planner;
    PerformanceLedger& ledger;
    const Clock& clock;
    WorkerFactory& workers;
    std::chrono::milliseconds housekeeping_interval{1000};
  };

  ModelManager(boost::asio::any_io_executor executor, const Config& config, Dependencies dependencies);

  // Starts the spare worker and loads the pinned, the preloaded and the default models in the background.
  void start();

  // Ends all workers; completes when their processes are gone. Requests fail from now on. The loop
  // must not run any further after the manager's destruction.
  boost::asio::awaitable<void> stop();

  // Has all workers give up some of their speed; those of later loads from the next call on.
  void throttle(const monitor::ThrottlePlan& plan);

  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override;
  boost::asio::awaitable<bool> settled(std::string model, std::chrono::milliseconds patience) override;
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest request) override;
  boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest request) override;
  boost::asio::awaitable<Result<void>> load(std::string model) override;
  boost::asio::awaitable<Result<void>> unload(std::string model) override;
  Result<void> pin(std::string_view model, bool pinned) override;
  Result<void> keep(std::string_view model, std::optional<std::chrono::seconds> idle) override;
  [[nodiscard]] Result<ModelStatus> find(std::string_view name) const override;
  [[nodiscard]] ServiceStatus status() const override;

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  boost::asio::awaitable<std::optional<Result<Lease>>> lease(std::string id, std::chrono::milliseconds patience) override;
  std::unique_ptr<ManagedStream> answer(Lease lease, GenerationRequest request) override;
  std::optional<std::string> next_model(LadderQuestion question) override;
  [[nodiscard]] bool answers_move() const override { return failover_reach(config_.failover) != FailoverReach::kOff; }
  boost::asio::awaitable<std::optional<Result<Lease>>> acquire_until(std::string id, Deadline deadline);
  boost::asio::awaitable<Result<Lease>> acquire(std::string id);
  boost::asio::awaitable<void> load_at_start();
  [[nodiscard]] Error left_alone(const std::string& id, const Error& error) const;
  [[nodiscard]] bool failed_to_load(const std::string& id, const Error& error) const;
  [[nodiscard]] bool unwanted(const Resident& resident) const;
  boost::asio::awaitable<Result<void>> unload_if_changed(std::string id);
  boost::asio::awaitable<void> housekeeping();
  boost::asio::awaitable<void> unload_unwanted();
  void note_memory();
  std::function<void(const Finished&)> recorder_for(const Resident& resident);
  [[nodiscard]] bool usable(const std::string& id) const;
  [[nodiscard]] bool crowded(const Resident& resident) const;
  [[nodiscard]] ModelStatus describe(const InstalledModel& model) const;

  boost::asio::any_io_executor executor_;
  EngineConfig config_;
  ModelsConfig models_;
  ModelDirectory& directory_;
  const ModelPlanner& planner_;
  PerformanceLedger& ledger_;
  std::chrono::milliseconds housekeeping_interval_;
  SteadyTime started_;
  std::shared_ptr<ResidentTable> residents_;
  WorkerPool workers_;
  ModelLoader loader_;
  bool stopping_ = false;
  std::shared_ptr<Signal> stopped_;
  std::shared_ptr<RequestCounters> counters_ = std::make_shared<RequestCounters>();
};

}  // namespace pensieve
