#include "manager/adapter_choice.h"

#include <algorithm>
#include <format>

#include "catalog/adapter_store.h"

namespace pensieve {
namespace {

constexpr std::size_t kMostAdapters = 8;
constexpr double kSpecialistGain = 0.5;   // of what is missing to 1, in its domains
constexpr double kSpecialistLoss = 0.95;  // elsewhere: what was learnt for one task costs others

Result<AdapterUse> resolve_adapter(const AdapterUse& asked, const std::string& model, const std::vector<InstalledAdapter>& installed) {
  const auto found = std::ranges::find(installed, asked.name, &InstalledAdapter::name);
  if (found == installed.end()) return std::unexpected(unknown_adapter(asked.name, installed));
  if (found->model != model) {
    return fail(ErrorCode::kInvalidArgument,
                std::format("adapter '{}' is for the model '{}', not for '{}'", asked.name, found->model, model),
                std::format("ask for '{}+{}'", found->model, asked.name), "lora");
  }
  return AdapterUse{asked.name, asked.scale.value_or(found->scale), found->path};
}

}  // namespace

Result<void> resolve_adapters(GenerationRequest& request, const ResolvedName& name, ModelDirectory& directory) {
  std::vector<AdapterUse>& asked = request.adapters;
  for (const std::string& adapter : name.adapters) {
    if (!std::ranges::contains(asked, adapter, &AdapterUse::name)) asked.push_back({.name = adapter});
  }
  if (asked.empty()) return {};
  if (asked.size() > kMostAdapters) {
    return fail(ErrorCode::kInvalidArgument, std::format("{} adapters; at most {} may be used together", asked.size(), kMostAdapters),
                "merge some of them into one", "lora");
  }
  const std::vector<InstalledAdapter> installed = directory.adapters();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (std::ranges::count(asked, asked[i].name, &AdapterUse::name) > 1) {
      return fail(ErrorCode::kInvalidArgument, std::format("adapter '{}' is named twice", asked[i].name), "add up the scales", "lora");
    }
    asked[i] = TRY(resolve_adapter(asked[i], name.id, installed));
  }
  return {};
}

Result<std::string> model_of_adapter(const std::string& adapter, ModelDirectory& directory) {
  const std::vector<InstalledAdapter> installed = directory.adapters();
  const auto found = std::ranges::find(installed, adapter, &InstalledAdapter::name);
  if (found == installed.end()) return std::unexpected(unknown_adapter(adapter, installed));
  return found->model;
}

void drop_foreign_adapters(GenerationRequest& request, const std::string& model, ModelDirectory& directory) {
  if (request.adapters.empty()) return;
  const std::vector<InstalledAdapter> installed = directory.adapters();
  std::erase_if(request.adapters, [&](const AdapterUse& use) {
    return std::ranges::none_of(installed, [&](const InstalledAdapter& one) { return one.name == use.name && one.model == model; });
  });
}

Bytes adapter_bytes(const std::string& model, ModelDirectory& directory) {
  Bytes sum;
  for (const InstalledAdapter& adapter : directory.adapters()) {
    if (adapter.model == model) sum += Bytes{adapter.file_bytes};
  }
  return sum;
}

std::string name_with_adapters(const std::string& model, const std::vector<AdapterUse>& adapters) {
  std::string name = model;
  for (const AdapterUse& adapter : adapters) name += "+" + adapter.name;
  return name;
}

void add_specialists(const selector::FleetModel& model, const std::vector<InstalledAdapter>& adapters, selector::FleetSnapshot& fleet) {
  for (const InstalledAdapter& adapter : adapters) {
    if (adapter.model != model.id || adapter.domains.empty()) continue;
    selector::FleetModel specialist = model;
    specialist.id = model.id + "+" + adapter.name;
    specialist.role = selector::ModelRole::kNone;
    specialist.footprint += Bytes{adapter.file_bytes};
    for (std::size_t domain = 0; domain < selector::kDomainCount; ++domain) {
      double& ability = specialist.abilities[domain];
      const bool special = std::ranges::contains(adapter.domains, to_string(static_cast<selector::Domain>(domain)));
      ability = special ? ability + kSpecialistGain * (1 - ability) : ability * kSpecialistLoss;
    }
    fleet.models.push_back(std::move(specialist));
  }
}

}  // namespace pensieve
