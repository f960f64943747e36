// The engine's own work for each token: sampling a row of logits and turning bytes into text.
#include <benchmark/benchmark.h>

#include <random>

#include "engine/sampler.h"
#include "engine/text_stream.h"

namespace pensieve::engine {
namespace {

// As models give them: few tokens are likely.
std::vector<float> row_of(std::int64_t vocabulary) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0F, 3.0F);
  std::vector<float> row(static_cast<std::size_t>(vocabulary));
  for (float& value : row) value = normal(random) - 8.0F;
  for (std::size_t i = 0; i < 20; ++i) row[i * 997] = 12.0F - static_cast<float>(i);
  return row;
}

void sample_rows(benchmark::State& state, const Sampling& sampling) {
  std::vector<float> row = row_of(state.range(0));
  Sampler sampler(sampling, {}, 1);
  for (auto _ : state) benchmark::DoNotOptimize(sampler.sample(row));
}

void greedy(benchmark::State& state) {
  Sampling sampling;
  sampling.temperature = 0;
  sample_rows(state, sampling);
}
void temperature(benchmark::State& state) { sample_rows(state, {}); }
void top_k(benchmark::State& state) {
  Sampling sampling;
  sampling.top_k = 40;
  sample_rows(state, sampling);
}
void top_p(benchmark::State& state) {
  Sampling sampling;
  sampling.top_p = 0.95F;
  sample_rows(state, sampling);
}
void min_p(benchmark::State& state) {
  Sampling sampling;
  sampling.min_p = 0.05F;
  sample_rows(state, sampling);
}
BENCHMARK(greedy)->Arg(49'152)->Arg(262'144);
BENCHMARK(temperature)->Arg(49'152)->Arg(262'144);
BENCHMARK(top_k)->Arg(49'152)->Arg(262'144);
BENCHMARK(top_p)->Arg(49'152)->Arg(262'144);
BENCHMARK(min_p)->Arg(49'152)->Arg(262'144);

void stream_text(benchmark::State& state) {
  const std::vector<std::string> stops(static_cast<std::size_t>(state.range(0)), "\n\nHuman:");
  TextStream stream(stops);
  for (auto _ : state) benchmark::DoNotOptimize(stream.push(" token"));
}
BENCHMARK(stream_text)->Arg(0)->Arg(1)->Arg(4);

}  // namespace
}  // namespace pensieve::engine
