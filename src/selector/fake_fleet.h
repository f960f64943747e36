// Models and machines for tests: the design document's four, where all fit and where they do not.
#pragma once

#include <string>

#include "selector/ability.h"
#include "selector/fleet.h"

namespace pensieve::selector {

inline FleetModel fake_model(std::string id, ModelRole role, double parameters_b, double active_b, double gigabytes, double decode,
                             double prefill, std::string_view quantization) {
  FleetModel model{.id = std::move(id), .role = role, .place = ModelPlace::kReady};
  model.abilities = estimate_abilities({.id = model.id,
                                        .parameters = static_cast<std::int64_t>(parameters_b * 1e9),
                                        .active_parameters = static_cast<std::int64_t>(active_b * 1e9),
                                        .quantization = quantization});
  model.decode = {decode};
  model.prefill = {prefill};
  model.speed_measured = true;
  model.context_tokens = 16384;
  model.footprint = {static_cast<std::int64_t>(gigabytes * 1e9)};
  return model;
}

inline constexpr std::size_t kDeepSeek = 0;
inline constexpr std::size_t kMistral = 1;
inline constexpr std::size_t kMixtral = 2;
inline constexpr std::size_t kPhi = 3;

// A machine of 64 GB with 400 GB/s, everything in memory.
inline FleetSnapshot four_models_that_fit() {
  FleetSnapshot fleet;
  fleet.machine.model_memory = gigabytes(48);
  fleet.models = {fake_model("deepseek-coder-6.7b-instruct-q4_k_m", ModelRole::kPrimary, 6.74, 0, 4.9, 58, 500, "Q4_K_M"),
                  fake_model("mistral-7b-instruct-v0.2-q5_k_m", ModelRole::kSecondary, 7.24, 0, 5.6, 48, 470, "Q5_K_M"),
                  fake_model("mixtral-8x7b-instruct-q4_k_m", ModelRole::kTertiary, 46.7, 12.9, 27.5, 30, 260, "Q4_K_M"),
                  fake_model("phi-3-mini-4k-instruct-q4_k_m", ModelRole::kFallback, 3.82, 0, 3.2, 85, 900, "Q4_K_M")};
  return fleet;
}

// A 16 GB M1: Mixtral does not fit, only DeepSeek-Coder is loaded.
inline FleetSnapshot four_models_on_m1() {
  FleetSnapshot fleet = four_models_that_fit();
  fleet.machine.model_memory = gigabytes(12);
  const double decode[] = {12, 9.7, 4, 21};
  const double prefill[] = {118, 110, 60, 205};
  for (std::size_t i = 0; i < fleet.models.size(); ++i) {
    FleetModel& model = fleet.models[i];
    model.decode = {decode[i]};
    model.prefill = {prefill[i]};
    if (i == kDeepSeek) continue;
    model.place = ModelPlace::kUnloaded;
    model.load_time = std::chrono::milliseconds(model.footprint.value / 2'000'000);
  }
  fleet.models[kMixtral].memory = MemoryVerdict::kDoesNotFit;
  fleet.models[kMixtral].memory_reason = "needs 27.5 GB, 12.0 GB may be used";
  return fleet;
}

inline Assessment fake_task(TaskClass task_class, Domain domain, std::int64_t prompt_tokens = 300) {
  Assessment task{.task_class = task_class, .domain = domain};
  const double difficulty[] = {0.1, 0.5, 0.9};
  const std::int64_t answer[] = {100, 400, 1000};
  task.difficulty = task.score = difficulty[static_cast<std::size_t>(task_class)];
  task.needs.prompt_tokens = prompt_tokens;
  task.needs.answer_tokens = answer[static_cast<std::size_t>(task_class)];
  return task;
}

}  // namespace pensieve::selector
