#include <benchmark/benchmark.h>

#include "catalog/known_models.h"
#include "fit/fit_table.h"

namespace pensieve::fit {
namespace {

void plan_one_model(benchmark::State& state) {
  const KnownModel& known = known_models()[static_cast<std::size_t>(state.range(0))];
  const Candidate candidate{known.name, shape_of(known, known.files.front())};
  const memory::MachineState machine = memory::idle_state(find_profile("m1-16gb").value());
  for (auto _ : state) benchmark::DoNotOptimize(plan_of(candidate, machine, {}));
  state.SetLabel(known.name);
}
BENCHMARK(plan_one_model)->DenseRange(0, 13);

void fit_the_catalog(benchmark::State& state) {
  std::vector<Candidate> candidates;
  for (const KnownModel& model : known_models()) candidates.push_back({model.name, shape_of(model, model.files.front())});
  const MachineProfile machine = find_profile("m1-16gb").value();
  const memory::MachineState idle = memory::idle_state(machine);
  for (auto _ : state) benchmark::DoNotOptimize(table(candidates, machine, idle, {}));
}
BENCHMARK(fit_the_catalog);

}  // namespace
}  // namespace pensieve::fit
