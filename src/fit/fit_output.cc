// How the rows of `pensieve fit` are written.
#include <format>
#include <glaze/glaze.hpp>

#include "fit/fit_table.h"
#include "memory/cache_memory.h"
#include "memory/speed.h"

namespace pensieve::fit {

namespace output {

struct Document {
  std::string machine;
  std::string machine_source;
  std::vector<Row> models;
};

}  // namespace output

namespace {

std::string size(std::int64_t bytes) { return to_text(Bytes{bytes}); }

std::string quality_text(const Row& row) { return row.quality ? std::format("{:g} ({})", *row.quality, row.quality_source) : "-"; }

std::string line(const Row& row) {
  const std::string measured = row.measured_decode_tps ? std::format("{:.1f}", *row.measured_decode_tps) : "-";
  return std::format("{:<28} {:>8} {:>8} {:>8} {:>8} {:>9}  {:<22} {:>7} {:>8} {:>7.1f} {:>8} {:>8.0f}  {:<11}\n", row.model,
                     size(row.weights_bytes), size(row.kv_bytes), size(row.compute_bytes), size(row.overhead_bytes), size(row.total_bytes),
                     row.verdict, row.max_ctx > 0 ? std::to_string(row.ctx) : "-", row.max_ctx > 0 ? std::to_string(row.max_ctx) : "-",
                     row.decode_tps, measured, row.prefill_tps, row.band);
}

}  // namespace

std::string to_terminal(const std::vector<Row>& rows, const MachineProfile& machine, const memory::MachineState& state) {
  std::string text = std::format(
      "{}: {} memory, {} available, models may use {}, {} stay free, {:.1f} GB/s\nSpeeds are predicted ({}) unless under MEASURED.\n\n",
      machine.title, to_text(state.total), to_text(state.available), to_text(state.limit), to_text(state.margin), machine.bandwidth / 1e9,
      machine.source);
  text += std::format("{:<28} {:>8} {:>8} {:>8} {:>8} {:>9}  {:<22} {:>7} {:>8} {:>7} {:>8} {:>8}  {:<11}\n", "MODEL", "WEIGHTS", "KV",
                      "COMPUTE", "OTHER", "TOTAL", "VERDICT", "CTX", "MAX CTX", "TOK/S", "MEASURED", "PROMPT/S", "EXPERIENCE");
  for (const Row& row : rows) text += line(row);
  text += "\n";
  for (const Row& row : rows) {
    if (row.max_ctx == 0) text += std::format("{}: does not fit: {}\n", row.model, row.reason);
    if (!row.claim_note.empty()) text += std::format("{}: {}\n", row.model, row.claim_note);
  }
  text += "\nWorth against the next smaller model of the same scale:\n";
  for (const Row& row : rows) {
    if (!row.roi) continue;
    text += std::format("  {:<28} quality {:<34} {:>+5.0f} % for {:.1f}x memory at {:.2f}x speed against {}: {}\n", row.model,
                        quality_text(row), row.roi->quality_gain * 100, row.roi->memory_factor, row.roi->speed_factor, row.roi->against,
                        row.roi->verdict);
  }
  return text;
}

std::string to_json(const std::vector<Row>& rows, const MachineProfile& machine) {
  const output::Document document{machine.name, machine.source, rows};
  std::string json;
  if (const auto error = glz::write<glz::opts{.skip_null_members = false, .prettify = true}>(document, json)) return "{}";
  return json;
}

std::string explain_text(const Candidate& candidate, const memory::MachineState& state, const Options& options) {
  const memory::Plan plan = plan_of(candidate, state, options);
  std::string text = std::format("{}: {} context, {} cache, {} request(s) at once\n", candidate.name, plan.settings.context_tokens,
                                 memory::format_of(plan.settings.cache).name, options.parallel);
  Bytes sum;
  memory::Placement placement = memory::placement_on(state);
  placement.gpu_layers = plan.gpu_layers;
  for (const memory::Term& term : memory::explain(candidate.shape, plan.settings, placement, {.projector = candidate.projector})) {
    sum += term.bytes;
    text += std::format("  {:<26} {:>18} B  {:>9}  {}\n", term.name, term.bytes.value, to_text(term.bytes), term.note);
  }
  text += std::format("  {:<26} {:>18} B  {:>9}  {}\n", "total", sum.value, to_text(sum),
                      candidate.exact ? "shape from the file's header" : "shape from the catalog");
  text += std::format("{}: {}\n", memory::to_string(plan.verdict), plan.check.reason);
  text += std::format("reads {} of weights for a token, {} with {} tokens in the cache\n",
                      to_text(memory::bytes_per_token(candidate.shape, plan.settings.cache, 0)),
                      to_text(memory::bytes_per_token(candidate.shape, plan.settings.cache, options.depth)), options.depth);
  return text;
}

}  // namespace pensieve::fit
