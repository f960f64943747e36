// Time of one decision, from the parsed request to the explained choice among 20 models.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "selector/assess.h"
#include "selector/decision.h"
#include "selector/fake_fleet.h"

namespace pensieve::selector {
namespace {

FleetSnapshot twenty_models() {
  FleetSnapshot fleet = four_models_on_m1();
  while (fleet.models.size() < 20) {
    fleet.models.push_back(fleet.models[fleet.models.size() % 4]);
    fleet.models.back().id += "-" + std::to_string(fleet.models.size());
  }
  return fleet;
}

std::string prose(std::size_t bytes) {
  static const std::vector<std::string> words = {"the",   "service", "loses", "messages", "after", "a",      "deploy", "so",  "find",
                                                 "cause", "and",     "prove", "it,",      "then",  "return", "x[i];",  "2048"};
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) text += words[i * 7 % words.size()] + (i % 11 == 0 ? std::to_string(i) : "") + " ";
  text.resize(bytes);
  return text;
}

// Reports the 99th percentile besides the mean.
void decide_on(benchmark::State& state, const GenerationRequest& request) {
  const FleetSnapshot fleet = twenty_models();
  Assessor assessor(RoutingWeights::embedded());
  std::vector<double> times;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    Decision decision = decide(assessor.assess(request), resolve_requirement(request, {}), fleet, {});
    benchmark::DoNotOptimize(decision);
    times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
  }
  std::ranges::sort(times);
  state.counters["p99_us"] = times[times.size() * 99 / 100];
}

void BM_Prose(benchmark::State& state) {
  GenerationRequest request;
  request.messages.push_back({.role = Role::kUser, .text = prose(static_cast<std::size_t>(state.range(0)))});
  decide_on(state, request);
}
BENCHMARK(BM_Prose)->Arg(200)->Arg(4096)->Arg(32 * 1024)->Arg(1 << 20)->Unit(benchmark::kMicrosecond);

void BM_OneCharacter(benchmark::State& state) {
  GenerationRequest request;
  request.messages.push_back({.role = Role::kUser, .text = std::string(1 << 20, static_cast<char>(state.range(0)))});
  decide_on(state, request);
}
BENCHMARK(BM_OneCharacter)->Arg('a')->Arg('<')->Arg('{')->Arg(' ')->Unit(benchmark::kMicrosecond);

void BM_Conversation(benchmark::State& state) {
  GenerationRequest request;
  for (int i = 0; i < state.range(0); ++i)
    request.messages.push_back({.role = i % 2 == 0 ? Role::kUser : Role::kAssistant, .text = "and now the other file"});
  decide_on(state, request);
}
BENCHMARK(BM_Conversation)->Arg(10)->Arg(10000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pensieve::selector
