// A model that is, was or will be loaded, and what requests hold of it.
#pragma once

#include <list>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/units.h"
#include "catalog/model_directory.h"
#include "manager/backoff.h"
#include "manager/service.h"
#include "manager/worker_link.h"

namespace pensieve {

class Place;

constexpr std::chrono::minutes kUseHalfLife{5};

// A model that is, was or will be loaded.
struct Resident {
  InstalledModel model;
  ModelState state = ModelState::kUnloaded;
  std::optional<Error> failure;
  bool refused = false;                      // the failure is the plan's: nothing was tried
  Backoff backoff;                           // of loads that failed and workers that were lost
  bool wanted = false;                       // lost while it was loaded: comes back by itself
  bool pinned = false;                       // stays loaded, and comes back
  std::optional<std::chrono::seconds> keep;  // idle time before it is unloaded; negative: for ever; empty: as configured
  std::shared_ptr<WorkerLink> worker;
  ipc::Loaded loaded;
  Bytes planned;           // in all
  Bytes mapped;            // LoadedModel::mapped
  Bytes measured;          // most that its process was seen to hold
  std::string cache_type;  // as planned: f16, q8_0, q4_0
  std::string reduced;     // in words, what it has less of than configured; empty: nothing
  int leases = 0;
  std::list<Place*> waiting;
  int unloads_wanted = 0;  // by who waits for it to become idle; new requests wait meanwhile
  SteadyTime last_use;
  double uses = 0;  // as of last_use; each counts half after kUseHalfLife

  // How likely it is to be used again, as a number to compare models by.
  [[nodiscard]] double likelihood(SteadyTime now) const;
  void note_use(SteadyTime now);
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
  Resident& operator*() const { return *resident_; }
};

}  // namespace pensieve
