#include "manager/resident_table.h"

#include <algorithm>

#include "base/log.h"

namespace pensieve {

namespace asio = boost::asio;

const std::shared_ptr<Resident>& ResidentTable::entry(const std::string& id) {
  std::shared_ptr<Resident>& resident = residents_[id];
  if (!resident) resident = std::make_shared<Resident>();
  return resident;
}

const Resident* ResidentTable::find(std::string_view id) const {
  const auto found = residents_.find(id);
  return found == residents_.end() ? nullptr : found->second.get();
}

std::vector<LoadedModel> ResidentTable::loaded_models() const {
  std::vector<LoadedModel> loaded;
  for (const auto& [id, resident] : residents_) {
    if (!resident->worker) continue;
    const bool busy = resident->busy() || resident->state != ModelState::kReady;
    loaded.push_back({.id = id,
                      .planned = resident->planned,
                      .busy = busy,
                      .pinned = resident->pinned,
                      .last_use = resident->last_use,
                      .mapped = resident->mapped,
                      .likelihood = resident->likelihood(now()),
                      .load_time = std::chrono::milliseconds(resident->loaded.load_us / 1000)});
  }
  return loaded;
}

bool ResidentTable::pins() const {
  return std::ranges::any_of(residents_, [](const auto& entry) { return entry.second->pinned; });
}

int ResidentTable::leases() const {
  int sum = 0;
  for (const auto& [id, resident] : residents_) sum += resident->leases;
  return sum;
}

asio::awaitable<void> ResidentTable::unload(std::string id) {
  const std::shared_ptr<Resident> resident = entry(id);
  if (resident->state != ModelState::kReady || !resident->worker || resident->busy()) co_return;
  spdlog::info("unloading {}", id);
  resident->state = ModelState::kUnloading;
  const std::shared_ptr<WorkerLink> worker = resident->worker;
  worker->on_end(nullptr);
  co_await worker->stop();
  resident->worker.reset();
  resident->state = ModelState::kUnloaded;
  notify();
}

asio::awaitable<void> ResidentTable::unload_when_idle(std::string id) {
  const std::shared_ptr<Resident> resident = entry(id);
  const std::shared_ptr<Signal> changed = changed_;
  const struct Wish {
    explicit Wish(Resident& wanted) : model(wanted) { ++model.unloads_wanted; }
    ~Wish() { --model.unloads_wanted; }
    Resident& model;
  } wish(*resident);
  for (;;) {
    const bool changing = resident->state == ModelState::kLoading || resident->state == ModelState::kUnloading;
    if (!changing && !resident->busy()) break;
    co_await changed->wait();
  }
  co_await unload(id);
}

}  // namespace pensieve
