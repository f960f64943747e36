#include <format>

#include "sim/pensieve_policy.h"
#include "sim/policy.h"
#include "sim/simple_policies.h"

namespace pensieve::sim {

std::vector<std::string> policy_names() { return {"pensieve", "sketch", "biggest", "smallest", "lru"}; }

Result<std::unique_ptr<Policy>> make_policy(std::string_view name, const Scenario& scenario, const MachineProfile& machine) {
  if (name == "pensieve") return pensieve_policy(scenario, machine);
  if (name == "sketch") return sketch_policy();
  if (name == "biggest") return biggest_policy();
  if (name == "smallest") return smallest_policy();
  if (name == "lru") return lru_policy();
  return fail(ErrorCode::kNotFound, std::format("there is no policy '{}'", name), "name pensieve, sketch, biggest, smallest, lru or all");
}

}  // namespace pensieve::sim
