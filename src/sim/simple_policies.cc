#include "sim/simple_policies.h"

#include <algorithm>
#include <array>

#include "memory/plan.h"

namespace pensieve::sim {
namespace {

// The usual default of servers that do not plan.
constexpr std::uint32_t kContext = 4096;
constexpr std::size_t kMostLoaded = 3;

std::optional<std::size_t> with_role(const std::vector<SimModel>& models, selector::ModelRole role) {
  const auto found = std::ranges::find(models, role, &SimModel::role);
  return found == models.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - models.begin()));
}

// The design document's table.
std::size_t table_choice(const SimRequest& request, const std::vector<SimModel>& models) {
  using selector::ModelRole;
  using selector::TaskClass;
  const TaskClass task = request.task.task_class;
  const bool maximum = request.requirement.quality == Quality::kMaximum;
  const ModelRole role = task == TaskClass::kSimple               ? ModelRole::kFallback
                         : task == TaskClass::kComplex && maximum ? ModelRole::kTertiary
                                                                  : ModelRole::kPrimary;
  return with_role(models, role).value_or(with_role(models, ModelRole::kPrimary).value_or(0));
}

// A request that does not fit the context is refused; nothing asks whether the memory is there.
std::optional<Choice> in_context(const SimRequest& request, const Host& host, std::size_t index, std::uint32_t context) {
  const SimModel& model = host.models[index];
  const auto bounded = static_cast<std::uint32_t>(std::min<std::int64_t>(context, model.context));
  if (request.task.needs.prompt_tokens > bounded) return std::nullopt;
  const memory::ContextSettings settings = memory::worker_settings(model.shape, bounded, 1, 512, memory::CacheType::kF16);
  return Choice{index, settings, memory::model_memory(model.shape, settings).total(), success_of(request, model)};
}

class SketchPolicy final : public Policy {
 public:
  [[nodiscard]] std::string_view name() const override { return "sketch"; }

  void observe(const monitor::Sample& sample, Host& host) override {
    const double total = static_cast<double>(sample.memory_total.value_or(Bytes{1}).value);
    const double memory = 100 * (1 - static_cast<double>(sample.memory_available.value_or(Bytes{0}).value) / total);
    const double temperature = sample.temperature.value_or(Celsius{}).value;
    // The sketch knows no "unknown": an idle server's speed is what it was last.
    if (sample.speed) speed_ = sample.speed->value;
    const bool down = memory > 85 || sample.swap_pages_per_second.value_or(0) > 100 || temperature > 85 || speed_ < 5;
    const bool up = memory < 60 && speed_ > 20 && temperature < 70;
    if (down && !downgraded_) note(host.machine.now(), "downgrade", "to the fallback");
    if (up && downgraded_) note(host.machine.now(), "upgrade", "back to the table");
    downgraded_ = (downgraded_ && !up) || down;
  }

  std::optional<Choice> choose(const SimRequest& request, Host& host) override {
    std::size_t model = table_choice(request, host.models);
    if (downgraded_ || !can_load(host.models[model])) {
      const auto role = downgraded_ ? selector::ModelRole::kFallback : selector::ModelRole::kPrimary;
      model = with_role(host.models, role).value_or(model);
    }
    return in_context(request, host, model, context_of(host.models[model]));
  }

 private:
  static constexpr std::int64_t kLimitGb = 12;
  static std::int64_t size_gb(const SimModel& model) { return (model.file.value + 999'999'999) / 1'000'000'000; }
  static bool can_load(const SimModel& model) { return size_gb(model) + 1 <= kLimitGb; }
  // (limit - size) / 4 bytes a token, of which 70 %: always beyond what the model was trained for.
  static std::uint32_t context_of(const SimModel& model) {
    const std::int64_t tokens = (kLimitGb - size_gb(model)) * (std::int64_t{1} << 30U) / 4 * 7 / 10;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(tokens, 1, model.context));
  }

  double speed_ = 20;
  bool downgraded_ = false;
};

// Always the same model.
class FixedPolicy final : public Policy {
 public:
  explicit FixedPolicy(bool biggest) : biggest_(biggest) {}
  [[nodiscard]] std::string_view name() const override { return biggest_ ? "biggest" : "smallest"; }
  void observe(const monitor::Sample&, Host&) override {}

  std::optional<Choice> choose(const SimRequest& request, Host& host) override {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < host.models.size(); ++i) {
      if (host.models[i].file >= host.machine.profile().memory) continue;
      const bool better =
          !best || (biggest_ ? host.models[i].file > host.models[*best].file : host.models[i].file < host.models[*best].file);
      if (better) best = i;
    }
    return best ? in_context(request, host, *best, kContext) : std::nullopt;
  }

 private:
  bool biggest_;
};

class LruPolicy final : public Policy {
 public:
  [[nodiscard]] std::string_view name() const override { return "lru"; }
  void observe(const monitor::Sample&, Host&) override {}

  std::optional<Choice> choose(const SimRequest& request, Host& host) override {
    const auto choice = in_context(request, host, table_choice(request, host.models), kContext);
    while (choice && host.find(choice->model) == nullptr && host.loaded.size() >= kMostLoaded) {
      const std::size_t oldest = std::ranges::min_element(host.loaded, {}, &Loaded::last_use)->model;
      note(host.machine.now(), "unload", host.models[oldest].id + ": used least recently");
      host.unload(oldest);
    }
    return choice;
  }
};

}  // namespace

std::unique_ptr<Policy> sketch_policy() { return std::make_unique<SketchPolicy>(); }
std::unique_ptr<Policy> biggest_policy() { return std::make_unique<FixedPolicy>(true); }
std::unique_ptr<Policy> smallest_policy() { return std::make_unique<FixedPolicy>(false); }
std::unique_ptr<Policy> lru_policy() { return std::make_unique<LruPolicy>(); }

}  // namespace pensieve::sim
