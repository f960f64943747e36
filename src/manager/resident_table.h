// Which models are loaded, and who uses them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "catalog/model_directory.h"
#include "manager/residency.h"
#include "manager/service.h"
#include "manager/signal.h"
#include "manager/worker_link.h"

namespace pensieve {

// A model that is, was or will be loaded.
struct Resident {
  InstalledModel model;
  ModelState state = ModelState::kUnloaded;
  std::optional<Error> failure;
  SteadyTime failed_at;
  std::shared_ptr<WorkerLink> worker;
  ipc::Loaded loaded;
  Bytes planned;
  int leases = 0;
  SteadyTime last_use;
};

class ResidentTable;

// Keeps a model loaded while a request uses it.
class Lease {
 public:
  Lease(ResidentTable& table, Resident& resident);
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&&) = delete;
  ~Lease();
  Resident* operator->() const { return resident_; }

 private:
  ResidentTable* table_;
  Resident* resident_;
};

// On the supervisor's loop only. Whoever waits for a change of it waits for changed().
class ResidentTable {
 public:
  ResidentTable(const boost::asio::any_io_executor& executor, const Clock& clock)
      : clock_(clock), changed_(std::make_shared<Signal>(executor)) {}

  // The entry of a model, unloaded at first. Entries stay where they are.
  Resident& entry(const std::string& id);
  [[nodiscard]] const Resident* find(std::string_view id) const;
  [[nodiscard]] const auto& all() const { return residents_; }

  // The models that have a worker, as residency.h wants them.
  [[nodiscard]] std::vector<LoadedModel> loaded_models() const;

  // Ends the worker of a model that is ready; completes when it is gone.
  boost::asio::awaitable<void> unload(std::string id);

  [[nodiscard]] const std::shared_ptr<Signal>& changed() const { return changed_; }
  void notify() { changed_->notify(); }
  [[nodiscard]] SteadyTime now() const { return clock_.steady_now(); }

 private:
  const Clock& clock_;
  std::map<std::string, std::unique_ptr<Resident>, std::less<>> residents_;
  std::shared_ptr<Signal> changed_;
};

}  // namespace pensieve
