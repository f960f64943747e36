// LoRA adapters from a request's names to files, and as entries of the fleet.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "catalog/model_directory.h"
#include "generation/request.h"
#include "selector/fleet.h"

namespace pensieve {

// Joins the adapters that the model's name asks for ("base+sql") with those of the request's own list,
// whose scales count, and fills in files and scales. Errors: kNotFound, kInvalidArgument (an adapter of
// another model, too many, named twice).
Result<void> resolve_adapters(GenerationRequest& request, const ResolvedName& name, ModelDirectory& directory);

// Id of the model that the adapter is for. Error kNotFound.
Result<std::string> model_of_adapter(const std::string& adapter, ModelDirectory& directory);

// Takes out the adapters that are not for `model`, which answers in another's place.
void drop_foreign_adapters(GenerationRequest& request, const std::string& model, ModelDirectory& directory);

// What all adapters of a model take in memory.
Bytes adapter_bytes(const std::string& model, ModelDirectory& directory);

// "base+sql"
std::string name_with_adapters(const std::string& model, const std::vector<AdapterUse>& adapters);

// Adds a model with each of its adapters that has domains, as a model that is better there: ability
// rises by half of what it lacks, elsewhere it falls a little.
void add_specialists(const selector::FleetModel& model, const std::vector<InstalledAdapter>& adapters, selector::FleetSnapshot& fleet);

}  // namespace pensieve
