// Loads models, one at a time, making room for them first.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "manager/model_planner.h"
#include "manager/resident_table.h"
#include "manager/worker_pool.h"

namespace pensieve {

// On the supervisor's loop. A model whose load failed, or that was lost again and again before it wrote
// an answer, is not tried for a while, longer each time (Backoff). A load runs apart from the request that caused it, so that a client that
// goes away does not undo a load that others wait for.
class ModelLoader {
 public:
  struct Dependencies {
    ModelDirectory& directory;
    const ModelPlanner& planner;
    PerformanceLedger& ledger;
    ResidentTable& residents;
    WorkerPool& workers;
  };

  ModelLoader(boost::asio::any_io_executor executor, const Config& config, Dependencies dependencies);

  // Begins to load the model, after the caller's next suspension, if it is not loaded and nothing
  // else is being loaded. Error kNotFound if it is not installed.
  Result<void> begin(const std::string& id);

  // No load begins from now, and none goes on to make room.
  void stop();

  // Begins to load what should be loaded and may be tried: pinned models, and lost ones that fit beside the rest.
  void bring_back();

  // True if a load may be tried now and could find room.
  [[nodiscard]] bool loadable(const InstalledModel& model) const;

  // True while a load of another model waits for this one and others to become idle, and has waited
  // for engine.switch_wait_ms: until then those go on to serve, which saves switches.
  [[nodiscard]] bool holds_back(std::string_view id) const;
  [[nodiscard]] bool waits_for_room(std::string_view id) const { return !wants_room_.empty() && wants_room_ == id; }
  [[nodiscard]] bool loading() const { return !loading_.empty(); }

  // True while requests get the failure of the last try instead of another one. What the plan refused
  // may be tried as soon as the plan has room.
  [[nodiscard]] bool failed_lately(const Resident& resident) const;

  [[nodiscard]] std::uint64_t workers_lost() const { return workers_lost_; }

 private:
  boost::asio::awaitable<void> load(std::string id);
  boost::asio::awaitable<Result<ipc::Loaded>> load_into_worker(Resident& resident, const memory::Plan& plan);
  boost::asio::awaitable<Result<ipc::Loaded>> try_load(Resident& resident);
  boost::asio::awaitable<Result<memory::Plan>> make_room(Resident& resident);
  void wait_for_room(const std::string& id);
  [[nodiscard]] bool lingers(const std::vector<std::string>& victims) const;
  [[nodiscard]] RoomPlan room_for(const InstalledModel& model, const memory::MachineState& machine) const;
  boost::asio::awaitable<void> await_gone(std::shared_ptr<WorkerLink> worker);
  void succeeded(Resident& resident, ipc::Loaded loaded);
  void failed(Resident& resident, Error error);
  void worker_ended(Resident& resident, const WorkerLink* worker);
  [[nodiscard]] ipc::LoadModel settings_for(const InstalledModel& model, const memory::Plan& plan) const;

  boost::asio::any_io_executor executor_;
  EngineConfig engine_;
  CacheConfig cache_;
  ModelDirectory& directory_;
  const ModelPlanner& planner_;
  PerformanceLedger& ledger_;
  ResidentTable& residents_;
  WorkerPool& workers_;
  std::string loading_;     // id of the load in progress; empty: none
  std::string wants_room_;  // id of the load that waits for busy models; empty: none
  SteadyTime wants_room_since_;
  int leaving_ = 0;  // workers that were lost and whose processes are not gone yet
  bool stopping_ = false;
  std::uint64_t workers_lost_ = 0;
};

// The entry of `id` in the directory; error kNotFound if its file is gone.
Result<InstalledModel> installed_model(ModelDirectory& directory, const std::string& id);

}  // namespace pensieve
