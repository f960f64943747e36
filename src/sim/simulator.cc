#include "sim/simulator.h"

#include <algorithm>
#include <format>

#include "sim/summary.h"

namespace pensieve::sim {
namespace {

constexpr double kTick = 1;               // seconds between two looks at the sensors
constexpr double kChunk = 512;            // prompt tokens that share one reading of the weights
constexpr double kSwappedOfModels = 0.5;  // of what lies in swap: the rest is other programs'
constexpr std::size_t kMostWaiting = 64;  // engine.queue_limit
constexpr double kNewestShare = 0.3;

// The request that is being answered.
struct Job {
  const SimRequest* request = nullptr;
  Choice choice;
  double begin = 0;
  double load_left = 0;    // seconds
  double prompt_left = 0;  // tokens
  double answer_left = 0;
  double first_token = -1;   // moment
  double writing = 0;        // seconds
  double ideal_writing = 0;  // that the prediction gives
};

class Simulation {
 public:
  Simulation(const Scenario& scenario, const MachineProfile& profile, const std::vector<SimModel>& models,
             const std::vector<SimRequest>& requests, Policy& policy)
      : machine_(profile, scenario, {}), host_{.models = models, .machine = machine_}, requests_(requests), policy_(policy) {
    host_.conversations.resize(models.size());
  }

  Outcome run(double minutes) {
    // What is under way at the end is finished, unless it never would.
    const double end = minutes * 60;
    for (double limit = end + 3600; now() < end || (busy() && now() < limit);) tick();
    drop_rest();
    outcome_.summary = summarize(policy_.name(), outcome_, loads_, swap_seconds_, hot_seconds_);
    if (outcome_.notes.size() > kMostNotes) outcome_.notes.resize(kMostNotes);
    return std::move(outcome_);
  }

 private:
  [[nodiscard]] double now() const { return machine_.now(); }
  [[nodiscard]] bool busy() const { return job_.request != nullptr || !waiting_.empty() || next_ < requests_.size(); }

  void tick() {
    policy_.observe(machine_.sample(host_.held(), host_.speed), host_);
    if (const auto minute = static_cast<std::int64_t>(now() / 60); minute != last_minute_) {
      last_minute_ = minute;
      take_moment();
    }
    const double work = work_for(kTick);
    const double duty = work / kTick * (1 - policy_.pause_share());
    const bool swaps = machine_.swapped(host_.held()) > Bytes{0} && !host_.loaded.empty();
    swap_seconds_ += swaps ? kTick : 0;
    hot_seconds_ += machine_.temperature() >= machine_.physics().throttle_from ? kTick : 0;
    machine_.advance(kTick, duty, host_.held());
    for (Note& note : policy_.take_notes()) outcome_.notes.push_back(std::move(note));
  }

  // Works for at most `time`; the seconds in which a model computed.
  double work_for(double time) {
    double computed = 0;
    host_.speed.reset();
    for (double left = time; left > 1e-9;) {
      if (job_.request == nullptr && !begin_next(time - left)) {
        const double idle = next_ < requests_.size() ? requests_[next_].arrival - (now() + time - left) : left;
        if (idle >= left) break;
        left -= std::max(idle, 0.0);
        continue;
      }
      if (job_.request == nullptr) continue;  // it was refused
      const double loading = std::min(left, job_.load_left);
      job_.load_left -= loading;
      left -= loading;
      const double reading = read_prompt(left);
      left -= reading;
      const double writing = job_.prompt_left <= 0 && job_.load_left <= 0 ? write_answer(left, time - left) : 0;
      left -= writing;
      computed += reading + writing;
      if (job_.load_left <= 0 && job_.prompt_left <= 0 && job_.answer_left <= 1e-9) finish(time - left);
    }
    return computed;
  }

  // Takes the next request whose time has come; false: there is none. `offset`: into the tick.
  bool begin_next(double offset) {
    for (; next_ < requests_.size() && requests_[next_].arrival <= now() + offset + 1e-9; ++next_) {
      if (waiting_.size() < kMostWaiting) {
        waiting_.push_back(&requests_[next_]);
      } else {
        outcome_.served.push_back({.arrival = requests_[next_].arrival, .refused = true});
      }
    }
    if (waiting_.empty()) return false;
    const SimRequest& request = *waiting_.front();
    waiting_.erase(waiting_.begin());
    const auto choice = policy_.choose(request, host_);
    if (!choice) {
      outcome_.served.push_back({.arrival = request.arrival, .refused = true});
      return true;
    }
    begin(request, *choice, now() + offset);
    return true;
  }

  void begin(const SimRequest& request, const Choice& choice, double at) {
    job_ = {.request = &request, .choice = choice, .begin = at};
    const SimModel& model = host_.models[choice.model];
    const Loaded* loaded = host_.find(choice.model);
    if (loaded != nullptr && loaded->settings.context_tokens < choice.settings.context_tokens) {
      host_.unload(choice.model);
      loaded = nullptr;
    }
    const std::int64_t warm = host_.warm_tokens(choice.model, request.conversation);
    if (loaded == nullptr) {
      const Physics& physics = machine_.physics();
      job_.load_left = physics.load_start_seconds + static_cast<double>(model.file.value) / physics.load_bytes_per_second;
      host_.loaded.push_back({choice.model, choice.settings, choice.footprint, at});
      ++loads_;
      outcome_.notes.push_back({at, "load", model.id});
    } else {
      job_.choice.settings = loaded->settings;
    }
    job_.prompt_left = static_cast<double>(std::max<std::int64_t>(1, request.task.needs.prompt_tokens - warm));
    job_.answer_left = static_cast<double>(request.answer_tokens);
    host_.working = choice.model;
  }

  // Seconds that each token waits for what lies in swap.
  [[nodiscard]] double swap_wait() const {
    const double swapped = kSwappedOfModels * static_cast<double>(machine_.swapped(host_.held()).value);
    const double model = static_cast<double>(host_.models[job_.choice.model].file.value);
    return std::min(swapped, model) / machine_.physics().swap_bytes_per_second;
  }
  [[nodiscard]] double speed_share() const { return machine_.speed_share() * (1 - policy_.pause_share()); }

  double read_prompt(double time) {
    if (job_.load_left > 0 || job_.prompt_left <= 0) return 0;
    const auto depth = static_cast<std::int64_t>(static_cast<double>(job_.request->task.needs.prompt_tokens) - job_.prompt_left / 2);
    const SpeedTable& speed = host_.models[job_.choice.model].speed(job_.choice.settings.cache);
    const double each = speed.prefill_seconds(std::max<std::int64_t>(0, depth)) / speed_share() + swap_wait() / kChunk;
    const double took = std::min(time, job_.prompt_left * each);
    job_.prompt_left = took < time ? 0 : std::max(0.0, job_.prompt_left - took / each);
    if (job_.prompt_left < 1e-6) job_.prompt_left = 0;
    return took;
  }

  double write_answer(double time, double offset) {
    const std::int64_t written = job_.request->answer_tokens - static_cast<std::int64_t>(job_.answer_left);
    const SpeedTable& speed = host_.models[job_.choice.model].speed(job_.choice.settings.cache);
    const double ideal = speed.decode_seconds(job_.request->task.needs.prompt_tokens + written);
    const double each = ideal / speed_share() + swap_wait();
    if (job_.first_token < 0) job_.first_token = now() + offset + each;
    const double tokens = std::min(job_.answer_left, time / each);
    job_.answer_left -= tokens;
    if (job_.answer_left < 1e-6) job_.answer_left = 0;
    job_.writing += tokens * each;
    job_.ideal_writing += tokens * ideal;
    host_.speed = TokensPerSecond{1 / each};
    return tokens * each;
  }

  void finish(double offset) {
    const SimRequest& request = *job_.request;
    const std::size_t model = job_.choice.model;
    outcome_.served.push_back({.arrival = request.arrival,
                               .model = model,
                               .success = job_.choice.success,
                               .first_token = job_.first_token - request.arrival,
                               .latency = now() + offset - request.arrival,
                               .speed = {static_cast<double>(request.answer_tokens) / std::max(job_.writing, 1e-9)}});
    const double share = job_.ideal_writing / std::max(job_.writing, 1e-9);
    host_.measured_share = host_.measured_share * (1 - kNewestShare) + share * kNewestShare;
    host_.conversations[model] = {request.conversation, request.task.needs.prompt_tokens + request.answer_tokens};
    for (Loaded& loaded : host_.loaded) {
      if (loaded.model == model) loaded.last_use = now() + offset;
    }
    host_.last = model;
    host_.working.reset();
    job_ = {};
  }

  // An answer that would never end counts as the slowest there is.
  void drop_rest() {
    const auto drop = [&](const SimRequest& request, bool refused) {
      outcome_.served.push_back({.arrival = request.arrival,
                                 .refused = refused,
                                 .model = job_.choice.model,
                                 .first_token = now() - request.arrival,
                                 .latency = now() - request.arrival});
    };
    if (job_.request != nullptr) drop(*job_.request, false);
    for (const SimRequest* request : waiting_) drop(*request, true);
    for (; next_ < requests_.size(); ++next_) drop(requests_[next_], true);
  }

  void take_moment() {
    const auto gb = [](Bytes bytes) { return static_cast<double>(bytes.value) / 1e9; };
    const Bytes held = host_.held();
    outcome_.moments.push_back({.minute = now() / 60,
                                .others_gb = gb(machine_.profile().memory - machine_.available(held) - held),
                                .models_gb = gb(held),
                                .swapped_gb = gb(machine_.swapped(held)),
                                .temperature = machine_.temperature(),
                                .speed = host_.speed.value_or(TokensPerSecond{}).value});
  }

  SimMachine machine_;
  Host host_;
  const std::vector<SimRequest>& requests_;
  Policy& policy_;
  Job job_;
  std::vector<const SimRequest*> waiting_;
  std::size_t next_ = 0;
  std::int64_t last_minute_ = -1;
  std::int64_t loads_ = 0;
  double swap_seconds_ = 0;
  double hot_seconds_ = 0;
  Outcome outcome_;
};

}  // namespace

Outcome simulate(const Scenario& scenario, const MachineProfile& machine, const std::vector<SimModel>& models,
                 const std::vector<SimRequest>& requests, Policy& policy) {
  return Simulation(scenario, machine, models, requests, policy).run(scenario.minutes);
}

Result<std::vector<SimModel>> scenario_models(const Scenario& scenario, const MachineProfile& machine) {
  std::vector<SimModel> models;
  for (const std::string& name : scenario.models) models.push_back(TRY(sim_model(name, machine)));
  return models;
}

}  // namespace pensieve::sim
