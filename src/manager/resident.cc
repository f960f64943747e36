#include "manager/resident.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "manager/resident_table.h"

namespace pensieve {

bool Resident::busy() const {
  return leases > 0 || std::ranges::any_of(waiting, [](const Place* place) { return place->promised(); });
}

double Resident::likelihood(SteadyTime now) const {
  const std::chrono::duration<double, std::chrono::minutes::period> idle = now - last_use;
  return uses * std::exp2(-idle.count() / static_cast<double>(kUseHalfLife.count()));
}

void Resident::note_use(SteadyTime now) {
  uses = likelihood(now) + 1;
  last_use = now;
}

void Resident::promise_all() {
  for (Place* place : waiting) place->promise();
}

Holding::Holding(ResidentTable& table, std::shared_ptr<Resident> resident)
    : resident_(std::move(resident)), table_(table.weak_from_this()) {}

void Holding::released() {
  const auto table = table_.lock();
  if (!table) return;
  // Not a use of its own: only the time is moved on.
  resident_->uses = resident_->likelihood(table->now());
  resident_->last_use = table->now();
  table->notify();
}

Place::Place(ResidentTable& table, std::shared_ptr<Resident> resident) : Holding(table, std::move(resident)) {
  resident_->waiting.push_back(this);
}

Place::~Place() {
  resident_->waiting.remove(this);
  if (promised_) released();
}

Lease::Lease(ResidentTable& table, std::shared_ptr<Resident> resident) : Holding(table, std::move(resident)) {
  ++resident_->leases;
  resident_->note_use(table.now());
  table.note_lease();
}

Lease::~Lease() {
  if (!resident_) return;  // moved from
  --resident_->leases;
  released();
}

}  // namespace pensieve
