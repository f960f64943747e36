#include "sim/pensieve_policy.h"

#include <algorithm>
#include <format>
#include <map>
#include <tuple>

#include "memory/plan.h"
#include "selector/machine_bound.h"

namespace pensieve::sim {
namespace {

constexpr std::uint32_t kContext = 8192;  // engine.context_tokens' default
constexpr std::uint32_t kStepTokens = 1024;
constexpr double kIdleSeconds = 60;

class PensievePolicy final : public Policy {
 public:
  PensievePolicy(const Scenario& scenario, const MachineProfile& machine)
      : machine_(machine), minimum_{scenario.min_tokens_per_second}, monitor_(monitor::MonitorPolicy{}) {}

  [[nodiscard]] std::string_view name() const override { return "pensieve"; }

  void observe(const monitor::Sample& sample, Host& host) override {
    if (sample.memory_available) free_without_us_ = *sample.memory_available + host.held();
    const monitor::Ladder ladder = ladder_of(host);
    if (const auto change = monitor_.update(sample, ladder)) {
      note(host.machine.now(),
           change->downgrade ? "downgrade"
           : change->upgrade ? "upgrade"
                             : "level",
           std::format("{} -> {}, {}: {}", to_string(change->from), to_string(change->to),
                       change->cap_to.empty() ? "any model" : "up to " + change->cap_to, change->reason));
    }
    unload_idle(host, ladder);
  }

  std::optional<Choice> choose(const SimRequest& request, Host& host) override {
    if (monitor_.level() >= monitor::Level::kCritical) {
      note(host.machine.now(), "refusal", "503, " + monitor_.wish().reason());
      return std::nullopt;
    }
    const monitor::Ladder ladder = ladder_of(host);
    selector::Objections objections;
    for (const monitor::LadderModel& model : ladder.models()) {
      if (std::string reason = monitor_.objection_to(model, ladder); !reason.empty()) objections[model.id] = std::move(reason);
    }
    selector::Requirement requirement = request.requirement;
    requirement.min_speed = minimum_;
    const selector::Decision decision = decide_on_machine(objections, request.task, requirement, fleet(request, host), policy_);
    if (!decision.chosen) {
      note(host.machine.now(), "refusal", decision.reason);
      return std::nullopt;
    }
    const std::size_t model = *decision.chosen;
    const double success = decision.candidates[model].success;
    if (const Loaded* loaded = usable(request, host, model)) return Choice{model, loaded->settings, loaded->footprint, success};
    const memory::Plan& plan = plan_for(host, model, request);
    make_room(host, model, plan);
    return Choice{model, plan.settings, plan.memory.total(), success};
  }

  [[nodiscard]] double pause_share() const override {
    const double pause = monitor_.throttle().pause_percent / 100.0;
    return pause / (1 + pause);
  }

 private:
  // As if every idle model were unloaded: one model works at a time.
  [[nodiscard]] memory::MachineState state() const {
    memory::MachineState state = memory::idle_state(machine_);
    state.available = free_without_us_;
    // What the monitor would take back at once is not given out.
    const auto reserve = 100 - monitor_.policy().downgrade_memory_percent + monitor_.policy().memory_reserve_percent;
    state.margin = std::max(state.margin, Bytes{static_cast<std::int64_t>(static_cast<double>(state.total.value) * reserve / 100)});
    return state;
  }

  // The context that the request needs, in steps, and at least the usual one where it fits.
  [[nodiscard]] static std::uint32_t context_for(const SimRequest& request) {
    const auto needed = static_cast<std::uint32_t>(request.task.needs.prompt_tokens + request.answer_tokens);
    return std::max(kContext, (needed + kStepTokens - 1) / kStepTokens * kStepTokens);
  }

  const memory::Plan& plan_for(const Host& host, std::size_t model, const SimRequest& request) {
    memory::MachineState machine = state();
    constexpr std::int64_t kGrain = 128'000'000;  // coarser than a plan can tell apart
    machine.available = Bytes{machine.available.value / kGrain * kGrain};
    const std::uint32_t context = context_for(request);
    const auto [found, made] = plans_.try_emplace(std::tuple(model, context, machine.available.value / kGrain));
    if (made) found->second = memory::plan(host.models[model].shape, {.context_tokens = context}, machine);
    return found->second;
  }

  selector::FleetSnapshot fleet(const SimRequest& request, const Host& host) {
    selector::FleetSnapshot fleet;
    fleet.machine = {.model_memory = memory::default_limit(machine_.memory),
                     .pressed = about_memory(monitor_.wish()),
                     .hot = monitor_.throttle().pause_percent > 0};
    for (std::size_t i = 0; i < host.models.size(); ++i) fleet.models.push_back(view_of(request, host, i));
    return fleet;
  }

  // The model as it is loaded, if its context is large enough for the request; null otherwise.
  [[nodiscard]] static const Loaded* usable(const SimRequest& request, const Host& host, std::size_t index) {
    const Loaded* loaded = host.find(index);
    return loaded != nullptr && loaded->settings.context_tokens >= request.task.needs.prompt_tokens + request.answer_tokens ? loaded
                                                                                                                            : nullptr;
  }

  selector::FleetModel view_of(const SimRequest& request, const Host& host, std::size_t index) {
    const SimModel& model = host.models[index];
    const Loaded* loaded = usable(request, host, index);
    const memory::Plan* plan = loaded == nullptr ? &plan_for(host, index, request) : nullptr;
    const memory::ContextSettings& settings = loaded != nullptr ? loaded->settings : plan->settings;
    const std::int64_t depth = request.task.needs.prompt_tokens + request.answer_tokens / 2;
    selector::FleetModel view{.id = model.id, .role = model.role, .abilities = model.abilities};
    view.decode = {host.measured_share / model.speed(settings.cache).decode_seconds(depth)};
    view.prefill = {host.measured_share / model.speed(settings.cache).prefill_seconds(depth / 2)};
    view.context_tokens = settings.context_tokens;
    view.footprint = loaded != nullptr ? loaded->footprint : plan->memory.total();
    if (loaded != nullptr) {
      view.place = selector::ModelPlace::kReady;
      view.warm_tokens = host.warm_tokens(index, request.conversation);
      return view;
    }
    const Physics& physics = host.machine.physics();
    const double seconds = physics.load_start_seconds + static_cast<double>(model.file.value) / physics.load_bytes_per_second;
    view.place = selector::ModelPlace::kUnloaded;
    view.load_time = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
    if (plan->verdict == memory::Verdict::kDoesNotFit) {
      view.memory = selector::MemoryVerdict::kDoesNotFit;
      view.memory_reason = plan->check.reason;
    }
    return view;
  }

  [[nodiscard]] monitor::Ladder ladder_of(const Host& host) {
    std::vector<monitor::LadderModel> ladder;
    static const SimRequest usual{.task = {.needs = {.prompt_tokens = 1024}}, .answer_tokens = 256};
    for (std::size_t i = 0; i < host.models.size(); ++i) {
      const memory::Plan& plan = plan_for(host, i, usual);
      const Loaded* loaded = host.find(i);
      if (loaded == nullptr && plan.verdict == memory::Verdict::kDoesNotFit) continue;
      ladder.push_back({.id = host.models[i].id,
                        .footprint = loaded != nullptr ? loaded->footprint : plan.memory.total(),
                        .expected = {1 / host.models[i].speed(plan.settings.cache).decode_seconds(usual.task.needs.prompt_tokens)},
                        .resident = loaded != nullptr,
                        .in_use = host.working ? host.working == i : host.last == i});
    }
    return monitor::Ladder(std::move(ladder));
  }

  // Longest unused first, and only as many as it takes.
  void make_room(Host& host, std::size_t model, const memory::Plan& plan) {
    host.unload(model);
    for (;;) {
      memory::MachineState machine = state();
      machine.available -= host.held();
      machine.ours = host.held();
      if (can_load(plan.memory, machine).fits) return;
      const auto oldest = std::ranges::min_element(host.loaded, {}, &Loaded::last_use);
      if (oldest == host.loaded.end()) return;
      note(host.machine.now(), "unload", host.models[oldest->model].id + ": makes room for " + host.models[model].id);
      host.unload(oldest->model);
    }
  }

  void unload_idle(Host& host, const monitor::Ladder& ladder) {
    using enum monitor::Level;
    const monitor::Wish& wish = monitor_.wish();
    const bool pressed = about_memory(wish);
    if (monitor_.level() < kShrink || !pressed) return;
    for (const Loaded& one : std::vector<Loaded>(host.loaded)) {
      const monitor::LadderModel* step = ladder.find(host.models[one.model].id);
      const bool too_large = step != nullptr && ladder.above(*step, monitor_.cap(), monitor_.order());
      const bool idle_long = host.machine.now() - one.last_use >= kIdleSeconds;
      if (host.working == one.model || (monitor_.level() < kEmergency && !too_large && !idle_long)) continue;
      note(host.machine.now(), "unload", host.models[one.model].id + ": " + wish.reason());
      host.unload(one.model);
    }
  }

  MachineProfile machine_;
  TokensPerSecond minimum_;
  monitor::PerformanceMonitor monitor_;
  selector::SelectorPolicy policy_;
  Bytes free_without_us_;  // as the sensors say
  std::map<std::tuple<std::size_t, std::uint32_t, std::int64_t>, memory::Plan> plans_;
};

}  // namespace

std::unique_ptr<Policy> pensieve_policy(const Scenario& scenario, const MachineProfile& machine) {
  return std::make_unique<PensievePolicy>(scenario, machine);
}

}  // namespace pensieve::sim
