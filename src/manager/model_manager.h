// ModelManager: which models are loaded, and a stream of events for each request.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "machine/memory_probe.h"
#include "manager/residency.h"
#include "manager/service.h"
#include "manager/worker_session.h"

namespace pensieve {

// On the supervisor's loop only. A model is loaded when a request needs it; requests for one model
// share its worker and its loading. One load happens at a time. A model is unloaded only while no
// request holds it; requests that arrive while a load waits for room are held back unless they are
// for the model to be loaded, so that two models in turn both make progress.
class ModelManager final : public GenerationService {
 public:
  struct Dependencies {
    ModelDirectory& directory;
    const MemoryProbe& memory;
    const Clock& clock;
  };

  ModelManager(boost::asio::any_io_executor executor, const Config& config, WorkerCommand worker,
               Dependencies dependencies);
  ~ModelManager() override;

  // Starts the spare worker and loads the default model in the background.
  void start();

  // Ends all workers; completes when their processes are gone. Requests fail from now on.
  boost::asio::awaitable<void> stop();

  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override;
  boost::asio::awaitable<bool> settled(std::string model, std::chrono::milliseconds patience) override;
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest request) override;
  boost::asio::awaitable<Result<void>> load(std::string model) override;
  boost::asio::awaitable<Result<void>> unload(std::string model) override;
  [[nodiscard]] Result<ModelStatus> find(std::string_view name) const override;
  [[nodiscard]] ServiceStatus status() const override;

 private:
  struct Resident;
  class Lease;
  class ManagedStream;

  boost::asio::awaitable<Result<Lease>> acquire(std::string id);
  Result<void> begin_load(const std::string& id);
  boost::asio::awaitable<void> load_task(std::string id);
  boost::asio::awaitable<Result<void>> make_room(const InstalledModel& model);
  boost::asio::awaitable<Result<std::shared_ptr<WorkerSession>>> take_worker();
  boost::asio::awaitable<void> unload_resident(std::string id);
  boost::asio::awaitable<void> housekeeping();
  void ensure_spare();
  void worker_ended(const std::string& id);
  [[nodiscard]] std::int64_t context_for(const InstalledModel& model) const;
  [[nodiscard]] Result<InstalledModel> installed(const std::string& id) const;
  [[nodiscard]] std::vector<LoadedModel> loaded_models() const;
  [[nodiscard]] MemoryBudget budget() const;
  [[nodiscard]] ModelStatus describe(const InstalledModel& model) const;

  boost::asio::any_io_executor executor_;
  Config config_;
  WorkerCommand worker_;
  ModelDirectory& directory_;
  const MemoryProbe& memory_;
  const Clock& clock_;
  SteadyTime started_;
  std::map<std::string, std::unique_ptr<Resident>> residents_;
  std::shared_ptr<WorkerSession> spare_;
  std::vector<std::shared_ptr<WorkerSession>> ending_;
  std::string loading_;        // id of the load in progress; empty: none
  std::string wants_room_;     // id of the load that waits for busy models; empty: none
  bool stopping_ = false;
  std::shared_ptr<Signal> changed_;
  ServiceStatus counters_;     // only its counters are kept here
};

}  // namespace pensieve
