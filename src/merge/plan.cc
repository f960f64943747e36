#include "merge/plan.h"

#include <algorithm>
#include <format>
#include <numeric>
#include <optional>

#include "merge/compatibility.h"
#include "merge/output_type.h"
#include "merge/tensor_codec.h"

namespace pensieve::merge {
namespace {

Result<void> check_counts(const Inputs& inputs, const Recipe& recipe) {
  const std::size_t models = inputs.models.size();
  const bool alone = models == 1 && (!inputs.adapters.empty() || !recipe.type.empty());
  const auto wrong = [](std::string message, std::string advice) {
    return fail(ErrorCode::kInvalidArgument, std::move(message), std::move(advice));
  };
  if (models == 0) return wrong("no model is named", "name the models to merge");
  if (models == 1 && !alone && recipe.method != Method::kTaskArithmetic) {
    return wrong("one model alone is nothing to merge", "name a second model, or --lora, or --type");
  }
  if (recipe.method == Method::kSlerp && models > 2) {
    return wrong(std::format("slerp merges two models, not {}", models), "use --method linear or task-arithmetic");
  }
  if (recipe.method == Method::kSlerp && !recipe.weights.empty()) return wrong("slerp takes no weights", "use --t, or --method linear");
  if (recipe.method == Method::kTaskArithmetic && models < 2 && !alone)
    return wrong("no model but the base is named", "name a fine-tune of it");
  const std::size_t weighted = recipe.method == Method::kTaskArithmetic ? models - 1 : models;
  if (!recipe.weights.empty() && recipe.weights.size() != weighted) {
    return wrong(std::format("{} weights for {} models", recipe.weights.size(), weighted), "give one weight a model");
  }
  if (recipe.method == Method::kLinear && models > 2 && recipe.weights.empty()) {
    return wrong("a linear merge of more than two models needs weights", "add --weights, one a model");
  }
  if (recipe.method == Method::kLinear && !recipe.weights.empty() && !(std::reduce(recipe.weights.begin(), recipe.weights.end()) > 1e-6)) {
    return wrong("the weights' sum is not above zero", "give weights that add up to something; they are divided by their sum");
  }
  return {};
}

// The share of each model in a tensor that is a weighted sum.
std::vector<double> factors_of(const Inputs& inputs, const Recipe& recipe, double t) {
  const std::size_t models = inputs.models.size();
  if (models == 1) return {1};
  std::vector<double> factors = recipe.weights;
  if (recipe.method == Method::kTaskArithmetic) {
    // base + sum of w (M - base) = (1 - sum of w) base + sum of w M
    if (factors.empty()) factors.assign(models - 1, 1.0);
    factors.insert(factors.begin(), 1 - std::reduce(factors.begin(), factors.end()));
    return factors;
  }
  if (factors.empty()) return {1 - t, t};
  const double sum = std::reduce(factors.begin(), factors.end());
  for (double& factor : factors) factor /= sum;
  return factors;
}

Result<void> add_adapters(const Inputs& inputs, TensorPlan& tensor) {
  for (std::size_t index = 0; index < inputs.adapters.size(); ++index) {
    const AdapterInput& input = inputs.adapters[index];
    const auto& pairs = input.adapter.pairs;
    const auto pair = std::ranges::find(pairs, tensor.name, &gguf::AdapterPair::base);
    if (pair == pairs.end()) continue;
    const double scale = input.adapter.effective_scale(*pair, input.scale);
    tensor.adapters.push_back({index, static_cast<std::size_t>(pair - pairs.begin()), scale});
    for (const gguf::Tensor* factor : {&pair->a, &pair->b}) {
      if (can_decode(factor->type)) continue;
      return fail(ErrorCode::kUnsupported, std::format("{} of '{}' is of the type {}, which can't be read", factor->name,
                                                       input.file.path().string(), factor->type.name));
    }
  }
  return {};
}

Result<void> check_types(const Inputs& inputs, const TensorPlan& tensor) {
  if (tensor.copied(inputs)) return {};
  for (const Term& term : tensor.terms) {
    const gguf::TensorType& type = inputs.models[term.model].find(tensor.name)->type;
    if (can_decode(type)) continue;
    return fail(ErrorCode::kUnsupported, std::format("{} is of the type {}, which can't be merged", tensor.name, type.name),
                "convert the models anew to F16 or Q8_0");
  }
  if (can_encode(tensor.type)) return {};
  return fail(ErrorCode::kUnsupported,
              std::format("{} is {}, which can't be written again (it would need an importance matrix)", tensor.name, tensor.type.name),
              "choose the output's type with --type, for example q4_k_m");
}

struct Whole {
  const Inputs& inputs;
  const Recipe& recipe;
  const OutputType* output;  // null: types are kept
  std::uint64_t layers;
  bool tied;
};

Result<TensorPlan> plan_tensor(const Whole& whole, const gguf::Tensor& tensor) {
  TensorPlan plan{.name = tensor.name, .dimensions = tensor.dimensions, .elements = tensor.elements, .type = tensor.type};
  if (whole.output != nullptr) plan.type = stored_type(*whole.output, tensor, whole.layers, whole.tied);
  plan.bytes = encoded_bytes(plan.type, tensor.elements);
  plan.t = whole.recipe.t_of(tensor.name, whole.layers);
  const bool numbers = can_decode(tensor.type);
  const std::vector<double> factors = numbers ? factors_of(whole.inputs, whole.recipe, plan.t) : std::vector<double>{1};
  for (std::size_t model = 0; model < factors.size(); ++model) {
    if (factors[model] != 0) plan.terms.push_back({model, factors[model]});
  }
  plan.slerp = whole.recipe.method == Method::kSlerp && plan.terms.size() == 2;
  TRY_VOID(add_adapters(whole.inputs, plan));
  TRY_VOID(check_types(whole.inputs, plan));
  return plan;
}

Result<std::vector<std::string>> check_inputs(const Inputs& inputs, const Recipe& recipe) {
  TRY_VOID(check_counts(inputs, recipe));
  const ModelFile& first = inputs.models.front();
  std::vector<std::string> notes;
  for (std::size_t other = 1; other < inputs.models.size(); ++other) {
    for (std::string& note : TRY(check_compatible(first, inputs.models[other]))) notes.push_back(std::move(note));
  }
  for (const AdapterInput& input : inputs.adapters) {
    const Result<void> fits = check_adapter(input.adapter, first.architecture(), first.tensors());
    if (!fits) return std::unexpected(with_context(fits.error(), std::format("'{}'", input.file.path().string())));
    if (!input.adapter.skipped.empty()) {
      notes.push_back(std::format("{} tensors of '{}' are no factors of LoRA and are left out ({})", input.adapter.skipped.size(),
                                  input.file.path().filename().string(), input.adapter.skipped.front()));
    }
  }
  return notes;
}

}  // namespace

bool TensorPlan::copied(const Inputs& inputs) const {
  return terms.size() == 1 && terms.front().factor == 1 && adapters.empty() &&
         inputs.models[terms.front().model].find(name)->type.id == type.id;
}

Result<Plan> make_plan(const Inputs& inputs, const Recipe& recipe) {
  Plan plan;
  plan.notes = TRY(check_inputs(inputs, recipe));
  const ModelFile& first = inputs.models.front();
  const Whole whole{.inputs = inputs,
                    .recipe = recipe,
                    .output = recipe.type.empty() ? nullptr : TRY(find_output_type(recipe.type)),
                    .layers = first.header().number(first.architecture() + ".block_count").value_or(0),
                    .tied = first.find("output.weight") == nullptr};
  for (const gguf::Tensor& tensor : first.tensors()) {
    TensorPlan one = TRY(plan_tensor(whole, tensor));
    one.offset = plan.data_bytes;
    plan.data_bytes += (one.bytes + kAlignment - 1) / kAlignment * kAlignment;
    for (const Term& term : one.terms) plan.read_bytes += inputs.models[term.model].find(one.name)->bytes;
    plan.largest_tensor = std::max<std::uint64_t>(plan.largest_tensor, one.elements * sizeof(float));
    plan.tensors.push_back(std::move(one));
  }
  return plan;
}

}  // namespace pensieve::merge
