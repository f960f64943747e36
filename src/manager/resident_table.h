// Which models are loaded, and who uses them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "manager/residency.h"
#include "manager/resident.h"
#include "manager/signal.h"

namespace pensieve {

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

  // True if a model is pinned.
  [[nodiscard]] bool pins() const;

  // Ends the worker of a model that is ready and not busy; completes when its process is gone.
  boost::asio::awaitable<void> unload(std::string id);

  // Waits until the model is idle, holding new requests back, and unloads it.
  boost::asio::awaitable<void> unload_when_idle(std::string id);

  [[nodiscard]] const std::shared_ptr<Signal>& changed() const { return changed_; }
  void notify() { changed_->notify(); }
  // Leases of all models: held now, and ever given.
  [[nodiscard]] int leases() const;
  [[nodiscard]] std::uint64_t leases_given() const { return leases_given_; }
  void note_lease() { ++leases_given_; }
  [[nodiscard]] SteadyTime now() const { return clock_.steady_now(); }

 private:
  const Clock& clock_;
  std::map<std::string, std::shared_ptr<Resident>, std::less<>> residents_;
  std::shared_ptr<Signal> changed_;
  std::uint64_t leases_given_ = 0;
};

}  // namespace pensieve
