// Which models are loaded, and who uses them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <list>
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

class Place;

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
  std::list<Place*> waiting;
  int unloads_wanted = 0;  // by who waits for it to become idle; new requests wait meanwhile
  SteadyTime last_use;

  // True while requests use it or were promised it: it must not be unloaded.
  [[nodiscard]] bool busy() const;
  // Whoever waits now gets the model before it can be unloaded. Without this, two models that take
  // turns could each be unloaded for the other before they served anyone.
  void promise_all();
};

class ResidentTable;

// What a request, once its coroutine is destroyed, gives back to a table that may be gone by then.
class Holding {
 protected:
  Holding(ResidentTable& table, std::shared_ptr<Resident> resident);
  Holding(Holding&& other) noexcept = default;
  ~Holding() = default;
  void released();

  std::shared_ptr<Resident> resident_;

 private:
  std::weak_ptr<ResidentTable> table_;
};

// A request's place in the line for a model that is not ready.
class Place : Holding {
 public:
  Place(ResidentTable& table, std::shared_ptr<Resident> resident);
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] bool promised() const { return promised_; }
  void promise() { promised_ = true; }

 private:
  bool promised_ = false;
};

// Keeps a model loaded while a request uses it.
class Lease : Holding {
 public:
  Lease(ResidentTable& table, std::shared_ptr<Resident> resident);
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&&) = delete;
  ~Lease();
  Resident* operator->() const { return resident_.get(); }
};

// On the supervisor's loop only. Whoever waits for a change of it waits for changed(). Lives in a
// shared_ptr, so that leases can tell whether it still does.
class ResidentTable : public std::enable_shared_from_this<ResidentTable> {
 public:
  ResidentTable(const boost::asio::any_io_executor& executor, const Clock& clock)
      : clock_(clock), changed_(std::make_shared<Signal>(executor)) {}

  // The entry of a model, unloaded at first.
  const std::shared_ptr<Resident>& entry(const std::string& id);
  [[nodiscard]] const Resident* find(std::string_view id) const;
  [[nodiscard]] const auto& all() const { return residents_; }

  // The models that have a worker, as residency.h wants them.
  [[nodiscard]] std::vector<LoadedModel> loaded_models() const;

  // Ends the worker of a model that is ready and not busy; completes when its process is gone.
  boost::asio::awaitable<void> unload(std::string id);

  // Waits until the model is idle, holding new requests back, and unloads it.
  boost::asio::awaitable<void> unload_when_idle(std::string id);

  [[nodiscard]] const std::shared_ptr<Signal>& changed() const { return changed_; }
  void notify() { changed_->notify(); }
  [[nodiscard]] SteadyTime now() const { return clock_.steady_now(); }

 private:
  const Clock& clock_;
  std::map<std::string, std::shared_ptr<Resident>, std::less<>> residents_;
  std::shared_ptr<Signal> changed_;
};

}  // namespace pensieve
