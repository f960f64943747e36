#include "machine/profile.h"

#include <algorithm>
#include <format>
#include <toml++/toml.hpp>

#include "machine/profile_data.h"

namespace pensieve {
namespace {

constexpr double kGiga = 1e9;

MachineProfile profile_of(const std::string& name, const toml::table& entry) {
  const auto real = [&](const char* key) { return entry[key].value_or(0.0); };
  const auto gigabytes_of = [&](const char* key) { return Bytes{static_cast<std::int64_t>(real(key) * kGiga)}; };
  return {.name = name,
          .title = entry["title"].value_or(name),
          // Memory is sold in powers of two.
          .memory = Bytes{static_cast<std::int64_t>(real("memory_gib") * 1024 * 1024 * 1024)},
          .gpu_memory = gigabytes_of("gpu_memory_gb"),
          .gpu_working_set = gigabytes_of("gpu_working_set_gb"),
          .unified = entry["unified"].value_or(false),
          .bandwidth = real("bandwidth_gbs") * kGiga,
          .efficiency = real("efficiency"),
          .prefill_flops = real("prefill_tflops") * 1e12,
          .source = entry["source"].value_or(std::string())};
}

}  // namespace

Result<std::vector<MachineProfile>> parse_profiles(std::string_view text) {
  try {
    const toml::table file = toml::parse(text);
    std::vector<MachineProfile> profiles;
    for (const auto& [name, value] : file) {
      const toml::table* entry = value.as_table();
      if (entry == nullptr) continue;
      MachineProfile profile = profile_of(std::string(name.str()), *entry);
      if (profile.memory <= Bytes{0} || profile.bandwidth <= 0 || profile.efficiency <= 0 || profile.prefill_flops <= 0) {
        return fail(ErrorCode::kInvalidArgument,
                    std::format("machine {}: memory, bandwidth, efficiency and prefill speed must be given", profile.name));
      }
      profiles.push_back(std::move(profile));
    }
    return profiles;
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kInvalidArgument, std::format("machine profiles: {}", error.what()));
  }
}

const std::vector<MachineProfile>& known_profiles() {
  static const std::vector<MachineProfile> profiles = parse_profiles(kProfileData).value_or(std::vector<MachineProfile>());
  return profiles;
}

Result<MachineProfile> find_profile(std::string_view name) {
  const auto found = std::ranges::find(known_profiles(), name, &MachineProfile::name);
  if (found != known_profiles().end()) return *found;
  std::string names;
  for (const MachineProfile& profile : known_profiles()) names += (names.empty() ? "" : ", ") + profile.name;
  return fail(ErrorCode::kNotFound, std::format("there is no machine profile '{}'", name), "known ones: " + names, "machine");
}

MachineProfile profile_for(std::string_view cpu_name, Bytes memory) {
  const MachineProfile* best = nullptr;
  for (const MachineProfile& profile : known_profiles()) {
    const std::string chip = profile.title.substr(0, profile.title.find(','));
    if (cpu_name != chip) continue;
    const auto distance = [&](const MachineProfile& p) { return std::abs(p.memory.value - memory.value); };
    if (best == nullptr || distance(profile) < distance(*best)) best = &profile;
  }
  MachineProfile chosen = best != nullptr ? *best : find_profile("linux-cpu").value_or(MachineProfile{});
  chosen.title = cpu_name;
  if (best == nullptr) chosen.name = "this machine";
  if (chosen.memory.value > 0 && chosen.gpu_working_set.value > 0) {
    const double share = static_cast<double>(memory.value) / static_cast<double>(chosen.memory.value);
    chosen.gpu_working_set.value = static_cast<std::int64_t>(static_cast<double>(chosen.gpu_working_set.value) * share);
  }
  chosen.memory = memory;
  return chosen;
}

}  // namespace pensieve
