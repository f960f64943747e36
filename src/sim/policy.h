// What decides in a simulation: which model answers, in which context, and who leaves memory for it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memory/context_settings.h"
#include "monitor/monitor.h"
#include "sim/sim_machine.h"
#include "sim/sim_model.h"
#include "sim/workload.h"

namespace pensieve::sim {

// A model in memory.
struct Loaded {
  std::size_t model = 0;  // index into the models
  memory::ContextSettings settings;
  Bytes footprint;
  double last_use = 0;
};

// What the policy sees and may change: one model works at a time, so whatever does not is idle.
struct Host {
  const std::vector<SimModel>& models;
  const SimMachine& machine;
  std::vector<Loaded> loaded;
  std::optional<std::size_t> working;                                 // model that answers now
  std::optional<std::size_t> last;                                    // that answered last
  std::optional<TokensPerSecond> speed;                               // of the answer under way
  double measured_share = 1;                                          // of the predicted speed that answers reached lately
  std::vector<std::pair<std::uint64_t, std::int64_t>> conversations;  // by model: the one in its cache, and its tokens

  [[nodiscard]] Bytes held() const;
  [[nodiscard]] const Loaded* find(std::size_t model) const;
  [[nodiscard]] std::int64_t warm_tokens(std::size_t model, std::uint64_t conversation) const;
  void unload(std::size_t model);  // ignored while it works
};

struct Choice {
  std::size_t model = 0;
  memory::ContextSettings settings;
  Bytes footprint;
  double success = 0;  // estimated, of this model at this task
};

// A moment that people should see in the timeline.
struct Note {
  double at = 0;
  std::string kind;  // "downgrade", "upgrade", "level", "load", "unload", "refusal"
  std::string text;
};

class Policy {
 public:
  virtual ~Policy() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;

  // Once a second of virtual time: what the sensors say.
  virtual void observe(const monitor::Sample& sample, Host& host) = 0;

  // For a request whose turn it is. May unload. Empty: it is refused.
  virtual std::optional<Choice> choose(const SimRequest& request, Host& host) = 0;

  // Share of the full speed that is given up now, 0..1: pauses between steps.
  [[nodiscard]] virtual double pause_share() const { return 0; }

  // What happened since the last call.
  std::vector<Note> take_notes() { return std::exchange(notes_, {}); }

 protected:
  void note(double at, std::string kind, std::string text) { notes_.push_back({at, std::move(kind), std::move(text)}); }

 private:
  std::vector<Note> notes_;
};

// "pensieve", "sketch", "biggest", "smallest", "lru".
std::vector<std::string> policy_names();
// Error kNotFound lists the names.
Result<std::unique_ptr<Policy>> make_policy(std::string_view name, const Scenario& scenario, const MachineProfile& machine);

// Estimated probability of a good answer, as the selector has it.
double success_of(const SimRequest& request, const SimModel& model);

}  // namespace pensieve::sim
