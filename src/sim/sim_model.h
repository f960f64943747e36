// A model of the catalog as the simulation runs it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "gguf/model_shape.h"
#include "machine/profile.h"
#include "memory/context_settings.h"
#include "selector/fleet.h"

namespace pensieve::sim {

// Seconds that one token takes, by depth: what memory/speed.h predicts, looked up.
class SpeedTable {
 public:
  SpeedTable() = default;
  SpeedTable(const gguf::ModelShape& shape, memory::CacheType cache, const MachineProfile& machine);

  [[nodiscard]] double decode_seconds(std::int64_t depth) const { return at(decode_, depth); }
  [[nodiscard]] double prefill_seconds(std::int64_t depth) const { return at(prefill_, depth); }

 private:
  [[nodiscard]] static double at(const std::vector<double>& table, std::int64_t depth);
  std::vector<double> decode_;
  std::vector<double> prefill_;
};

struct SimModel {
  std::string id;  // "mistral-7b:Q5_K_M"
  selector::ModelRole role = selector::ModelRole::kNone;
  selector::Abilities abilities{};
  gguf::ModelShape shape;
  Bytes file;
  std::int64_t context = 0;        // as trained
  std::vector<SpeedTable> speeds;  // by memory::CacheType

  [[nodiscard]] const SpeedTable& speed(memory::CacheType cache) const { return speeds[static_cast<std::size_t>(cache)]; }
};

// Error kNotFound: not in the catalog. Roles are the catalog's.
Result<SimModel> sim_model(const std::string& name, const MachineProfile& machine);

}  // namespace pensieve::sim
