#include "sim/sim_model.h"

#include <algorithm>
#include <array>

#include "catalog/known_models.h"
#include "memory/speed.h"
#include "selector/ability.h"

namespace pensieve::sim {
namespace {

constexpr std::int64_t kStep = 512;
constexpr std::size_t kEntries = 257;  // up to 128k tokens

selector::ModelRole role_of(std::string_view word) {
  using enum selector::ModelRole;
  for (const selector::ModelRole role : {kPrimary, kSecondary, kTertiary, kFallback}) {
    if (to_string(role) == word) return role;
  }
  return kNone;
}

}  // namespace

SpeedTable::SpeedTable(const gguf::ModelShape& shape, memory::CacheType cache, const MachineProfile& machine) {
  for (std::size_t i = 0; i < kEntries; ++i) {
    const memory::Speed speed = memory::predict_speed(shape, cache, machine, static_cast<std::int64_t>(i) * kStep);
    decode_.push_back(1 / std::max(speed.decode.value, 1e-6));
    prefill_.push_back(1 / std::max(speed.prefill.value, 1e-6));
  }
}

double SpeedTable::at(const std::vector<double>& table, std::int64_t depth) {
  const auto index = static_cast<std::size_t>(std::clamp<std::int64_t>(depth / kStep, 0, std::ssize(table) - 2));
  const double share = static_cast<double>(depth - static_cast<std::int64_t>(index) * kStep) / kStep;
  return table[index] + (table[index + 1] - table[index]) * std::clamp(share, 0.0, 1.0);
}

Result<SimModel> sim_model(const std::string& name, const MachineProfile& machine) {
  const KnownChoice choice = TRY(find_known(name));
  SimModel model{.id = choice.model->name + ":" + choice.file->quantization,
                 .role = role_of(choice.model->role),
                 .shape = shape_of(*choice.model, *choice.file),
                 .file = choice.file->bytes,
                 .context = choice.model->context};
  model.shape.context_length = static_cast<std::uint64_t>(choice.model->context);
  model.abilities = selector::estimate_abilities({.id = choice.model->name,
                                                  .parameters = static_cast<std::int64_t>(model.shape.parameters),
                                                  .active_parameters = static_cast<std::int64_t>(model.shape.active_parameters),
                                                  .quantization = choice.file->quantization});
  for (const memory::CacheFormat& format : memory::kCacheFormats) model.speeds.emplace_back(model.shape, format.type, machine);
  return model;
}

}  // namespace pensieve::sim
