#include "merge/provenance.h"

#include <algorithm>
#include <format>
#include <string_view>

#include "merge/header_writer.h"
#include "merge/output_type.h"

namespace pensieve::merge {
namespace {

// What is said anew, or no longer true of the result.
bool is_replaced(std::string_view key, bool new_type) {
  constexpr std::string_view kGroups[] = {"split.", "general.base_model.", "pensieve.merge.", "quantize.imatrix."};
  constexpr std::string_view kKeys[] = {"general.alignment", "general.name",    "general.basename",
                                        "general.finetune",  "general.version", "general.quantized_by"};
  return std::ranges::any_of(kGroups, [&](std::string_view group) { return key.starts_with(group); }) ||
         std::ranges::contains(kKeys, key) || (new_type && (key == "general.file_type" || key == "general.quantization_version"));
}

std::string default_name(const Inputs& inputs) {
  std::string name;
  for (const ModelFile& model : inputs.models) name += std::format("{}{}", name.empty() ? "" : " + ", model.name());
  for (const AdapterInput& adapter : inputs.adapters) name += " + " + adapter.file.name();
  return name;
}

void add_parents(const Inputs& inputs, HeaderWriter& writer) {
  writer.add("general.base_model.count", static_cast<std::uint32_t>(inputs.models.size()));
  std::vector<std::string> names;
  std::vector<std::string> files;
  for (std::size_t index = 0; index < inputs.models.size(); ++index) {
    const ModelFile& model = inputs.models[index];
    names.push_back(model.name());
    files.push_back(model.path().filename().string());
    writer.add(std::format("general.base_model.{}.name", index), names.back());
    for (const std::string_view key : {"organization", "repo_url"}) {
      if (const auto text = model.header().text(std::format("general.{}", key))) {
        writer.add(std::format("general.base_model.{}.{}", index, key), *text);
      }
    }
  }
  writer.add("pensieve.merge.parents", names);
  writer.add("pensieve.merge.files", files);
}

void add_recipe(const Inputs& inputs, const Recipe& recipe, HeaderWriter& writer) {
  writer.add("pensieve.merge.version", 1U);
  writer.add("pensieve.merge.method", to_string(recipe.method));
  if (recipe.weights.empty() && inputs.models.size() > 1) writer.add("pensieve.merge.t", recipe.t.text());
  if (!recipe.weights.empty()) writer.add("pensieve.merge.weights", recipe.weights);
  std::vector<std::string> filters;
  for (const Filter& filter : recipe.filters) filters.push_back(std::format("{}={}", filter.pattern, filter.t.text()));
  if (!filters.empty()) writer.add("pensieve.merge.filters", filters);
  std::vector<std::string> adapters;
  std::vector<double> scales;
  for (const AdapterInput& input : inputs.adapters) {
    adapters.push_back(input.file.name());
    scales.push_back(input.scale);
  }
  if (adapters.empty()) return;
  writer.add("pensieve.merge.adapters", adapters);
  writer.add("pensieve.merge.adapter_scales", scales);
}

}  // namespace

Result<std::string> output_header(const Inputs& inputs, const Recipe& recipe, const Plan& plan, const std::string& name) {
  const ModelFile& first = inputs.models.front();
  HeaderWriter writer;
  for (const gguf::MetadataSpan& span : first.header().spans) {
    if (!is_replaced(span.key, !recipe.type.empty())) writer.copy(TRY(first.metadata_entry(span.key)));
  }
  if (!recipe.type.empty()) {
    writer.add("general.file_type", TRY(find_output_type(recipe.type))->file_type);
    writer.add("general.quantization_version", 2U);
  }
  writer.add("general.name", name.empty() ? default_name(inputs) : name);
  add_parents(inputs, writer);
  add_recipe(inputs, recipe, writer);
  for (const TensorPlan& tensor : plan.tensors) writer.add_tensor(tensor.name, tensor.dimensions, tensor.type, tensor.offset);
  return writer.bytes(kAlignment);
}

}  // namespace pensieve::merge
