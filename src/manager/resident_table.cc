#include "manager/resident_table.h"

#include <utility>

#include "base/log.h"

namespace pensieve {

Lease::Lease(ResidentTable& table, Resident& resident) : table_(&table), resident_(&resident) { ++resident.leases; }

Lease::Lease(Lease&& other) noexcept : table_(other.table_), resident_(std::exchange(other.resident_, nullptr)) {}

Lease::~Lease() {
  if (resident_ == nullptr) return;
  --resident_->leases;
  resident_->last_use = table_->now();
  table_->notify();
}

Resident& ResidentTable::entry(const std::string& id) {
  std::unique_ptr<Resident>& resident = residents_[id];
  if (!resident) resident = std::make_unique<Resident>();
  return *resident;
}

const Resident* ResidentTable::find(std::string_view id) const {
  const auto found = residents_.find(id);
  return found == residents_.end() ? nullptr : found->second.get();
}

std::vector<LoadedModel> ResidentTable::loaded_models() const {
  std::vector<LoadedModel> loaded;
  for (const auto& [id, resident] : residents_) {
    if (!resident->worker) continue;
    const bool busy = resident->leases > 0 || resident->state != ModelState::kReady;
    loaded.push_back({id, resident->planned, busy, resident->last_use});
  }
  return loaded;
}

boost::asio::awaitable<void> ResidentTable::unload(std::string id) {
  Resident& resident = entry(id);
  if (resident.state != ModelState::kReady || !resident.worker) co_return;
  spdlog::info("unloading {}", id);
  resident.state = ModelState::kUnloading;
  const std::shared_ptr<WorkerLink> worker = resident.worker;
  worker->on_end(nullptr);
  co_await worker->stop();
  resident.worker.reset();
  resident.state = ModelState::kUnloaded;
  notify();
}

}  // namespace pensieve
