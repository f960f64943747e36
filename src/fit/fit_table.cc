#include "fit/fit_table.h"

#include <algorithm>
#include <charconv>
#include <format>

#include "memory/embedding_memory.h"
#include "memory/speed.h"

namespace pensieve::fit {
namespace {

constexpr std::uint32_t kDefaultContext = 4096;
// A gain in quality is worth it while it is at least half of the speed that it costs: the design
// document's own judgements (15 % for 20 %: good; 10 % for 60 %: poor) lie on both sides.
constexpr double kWorthRatio = 0.5;

// The lower end of "28-40".
double lowest_claim(const std::string& claim) {
  double low = 0;
  std::from_chars(claim.data(), claim.data() + claim.size(), low);
  return low;
}

std::string claim_note(const Row& row, const memory::MachineState& state) {
  const double low = lowest_claim(row.claimed_tps);
  if (row.verdict == memory::to_string(memory::Verdict::kDoesNotFit)) return low > 0 ? "claimed for a machine it does not fit" : "";
  constexpr Bytes kM1Memory = mebibytes(16 * 1024);
  if (low == 0 || state.total != kM1Memory || low <= row.decode_limit_tps) return "";
  return std::format("claimed {} tok/s is above the memory bandwidth's limit of {:.1f}", row.claimed_tps, row.decode_limit_tps);
}

void apply_measurement(Row& row, const Candidate& candidate, memory::CacheType cache, const MachineProfile& machine, const Options& options,
                       std::int64_t depth) {
  const Measurement measured = options.measured(candidate, cache, depth);
  const auto predicted_at = [&](std::int64_t at) { return memory::predict_speed(candidate.shape, cache, machine, at); };
  if (measured.decode) {
    row.measured_decode_tps = measured.decode->tps;
    row.measured_depth = measured.decode->depth;
    row.decode_tps = memory::corrected_speed({row.decode_tps}, predicted_at(measured.decode->depth).decode, {measured.decode->tps}).value;
  }
  if (measured.prefill) {
    row.measured_prefill_tps = measured.prefill->tps;
    row.prefill_tps =
        memory::corrected_speed({row.prefill_tps}, predicted_at(measured.prefill->depth).prefill, {measured.prefill->tps}).value;
  }
}

Row row_of(const Candidate& candidate, const MachineProfile& machine, const memory::MachineState& state, const Options& options) {
  const memory::Plan plan = plan_of(candidate, state, options);
  const auto depth = std::min<std::int64_t>(options.depth, plan.settings.context_tokens);
  const memory::Speed speed = memory::predict_speed(candidate.shape, plan.settings.cache, machine, depth);
  Row row{.model = candidate.name,
          .file_bytes = candidate.shape.file_bytes.value,
          .weights_bytes = plan.memory.weights.value,
          .kv_bytes = plan.memory.cache.value,
          .compute_bytes = plan.memory.compute.value,
          .overhead_bytes = plan.memory.overhead.value,
          .total_bytes = plan.memory.total().value,
          .budget_bytes = plan.check.budget.value,
          .ctx = plan.settings.context_tokens,
          .kv_type = std::string(memory::format_of(plan.settings.cache).name),
          .parallel = options.parallel,
          .verdict = std::string(memory::to_string(plan.verdict)),
          .reason = plan.check.reason,
          .max_ctx = plan.verdict == memory::Verdict::kDoesNotFit ? 0 : plan.largest_context,
          .decode_tps = speed.decode.value,
          .prefill_tps = speed.prefill.value,
          .decode_limit_tps = speed.decode_limit.value,
          .claimed_tps = candidate.claimed_tps,
          .quality = candidate.quality,
          .quality_source = candidate.quality_source,
          .exact = candidate.exact,
          .installed = candidate.installed};
  if (options.measured) apply_measurement(row, candidate, plan.settings.cache, machine, options, depth);
  row.claim_note = claim_note(row, state);
  const bool runs = plan.verdict != memory::Verdict::kDoesNotFit;
  row.band = runs ? memory::experience_band({row.measured_decode_tps.value_or(row.decode_tps)}) : "unusable";
  return row;
}

void set_worth(std::vector<Row>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Row& row = rows[i];
    if (!row.quality) continue;
    const Row* smaller = nullptr;
    for (std::size_t j = 0; j < i; ++j) {
      if (rows[j].quality && rows[j].quality_source == row.quality_source && rows[j].weights_bytes < row.weights_bytes) smaller = &rows[j];
    }
    if (smaller == nullptr || *smaller->quality <= 0 || smaller->decode_tps <= 0) continue;
    Worth worth{.against = smaller->model,
                .quality_gain = *row.quality / *smaller->quality - 1,
                .memory_factor = static_cast<double>(row.total_bytes) / static_cast<double>(smaller->total_bytes),
                .speed_factor = row.decode_tps / smaller->decode_tps};
    const bool fits = row.max_ctx > 0;
    worth.verdict = fits && worth.quality_gain > 0 && worth.quality_gain >= kWorthRatio * (1 - worth.speed_factor) ? "good" : "poor";
    row.roi = worth;
  }
}

}  // namespace

memory::Plan plan_of(const Candidate& candidate, const memory::MachineState& state, const Options& options) {
  if (memory::reads_at_once(candidate.shape)) return memory::plan_embeddings(candidate.shape, state);
  return memory::plan(candidate.shape,
                      {.context_tokens = options.context_tokens > 0 ? options.context_tokens : kDefaultContext,
                       .parallel = options.parallel,
                       .cache = options.cache,
                       .placement = memory::placement_on(state),
                       .extras = {.projector = candidate.projector}},
                      state);
}

std::vector<Row> table(const std::vector<Candidate>& candidates, const MachineProfile& machine, const memory::MachineState& state,
                       const Options& options) {
  std::vector<Row> rows;
  rows.reserve(candidates.size());
  for (const Candidate& candidate : candidates) rows.push_back(row_of(candidate, machine, state, options));
  std::ranges::stable_sort(rows, {}, &Row::weights_bytes);
  set_worth(rows);
  return rows;
}

}  // namespace pensieve::fit
