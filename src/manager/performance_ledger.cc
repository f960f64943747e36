#include "manager/performance_ledger.h"

#include <array>
#include <format>

#include "base/log.h"

namespace pensieve {
namespace {

using store::MeasurementKind;

constexpr std::string_view kDecode = "streamed bytes/s ";
constexpr std::string_view kPrefill = "prefill macs/s ";
constexpr auto kFormats = std::to_array<std::string_view>({"Q4_0", "Q4_1", "Q8_0", "F16", "Q4_K", "Q5_K", "Q6_K", "Q5_0"});

// Single figures of a profile with the names that the ledger gives them.
struct Figure {
  std::string_view name;
  double MachineProfile::* member;
};
constexpr auto kFigures = std::to_array<Figure>(
    {{"operation seconds", &MachineProfile::operation_seconds}, {"attention macs/s", &MachineProfile::attention_macs}});

constexpr std::int64_t kFewTokens = 16;  // too few to tell a speed

std::unique_ptr<store::Database> or_in_memory(std::unique_ptr<store::Database> database) {
  if (database) return database;
  return store::Database::open_in_memory().value_or(nullptr);
}

std::string name_of(std::string_view prefix, std::string_view format) { return std::string(prefix) + std::string(format); }

}  // namespace

PerformanceLedger::PerformanceLedger(std::unique_ptr<store::Database> database, std::string machine, const Clock& clock)
    : database_(or_in_memory(std::move(database))), machine_(std::move(machine)), measurements_(*database_, clock) {}

void PerformanceLedger::note(const std::string& model, MeasurementKind kind, std::string_view setting, std::int64_t depth, double value) {
  if (model.empty()) return;
  const Result<void> kept = measurements_.record({machine_, model, kind, std::string(setting), depth}, value);
  if (!kept && !failed_) spdlog::warn("measurements are not kept: {}", kept.error().text());
  failed_ = !kept;
  read_.clear();
}

void PerformanceLedger::note_answer(const std::string& model, std::string_view setting, const Usage& usage, const Timings& timings) {
  const std::int64_t read = usage.prompt_tokens - usage.cached_prompt_tokens;
  const std::int64_t steps = usage.completion_tokens - 1;  // decode_us: first sampled token to the last
  // Guessed tokens come faster by what the text repeats, which says nothing about the next answer.
  const bool guessed = usage.accepted_prediction_tokens + usage.rejected_prediction_tokens > steps / 16;
  if (steps >= kFewTokens && timings.decode_us > 0 && !guessed) {
    note(model, MeasurementKind::kDecodeTps, setting, usage.prompt_tokens + steps / 2,
         static_cast<double>(steps) * 1e6 / static_cast<double>(timings.decode_us));
  }
  constexpr std::int64_t kTellingPrompt = 64;
  if (read >= kTellingPrompt && timings.prefill_us > 0) {
    note(model, MeasurementKind::kPrefillTps, setting, usage.cached_prompt_tokens + read / 2,
         static_cast<double>(read) * 1e6 / static_cast<double>(timings.prefill_us));
  }
}

std::optional<Measured> PerformanceLedger::find(const std::string& model, MeasurementKind kind, std::string_view setting,
                                                std::int64_t depth) const {
  if (model.empty()) return std::nullopt;
  const std::string key = std::format("{} {} {} {}", model, store::to_string(kind), setting, depth);
  if (const auto known = read_.find(key); known != read_.end()) return known->second;
  constexpr std::size_t kMostRead = 4096;
  if (read_.size() > kMostRead) read_.clear();
  std::optional<Measured> found;
  if (const auto figure = measurements_.find({machine_, model, kind, std::string(setting), depth}); figure && *figure) {
    found = Measured{(*figure)->value, (*figure)->depth, (*figure)->samples};
  }
  return read_[key] = found;
}

void PerformanceLedger::apply_kernels(MachineProfile& profile) const {
  const auto figure = [&](const std::string& name) { return measurements_.machine_figure(machine_, name).value_or(std::nullopt); };
  for (const std::string_view format : kFormats) {
    if (const auto decode = figure(name_of(kDecode, format))) profile.decode_bytes[std::string(format)] = *decode;
    if (const auto prefill = figure(name_of(kPrefill, format))) profile.prefill_macs[std::string(format)] = *prefill;
  }
  for (const Figure& one : kFigures) profile.*one.member = figure(std::string(one.name)).value_or(profile.*one.member);
  if (!profile.decode_bytes.empty()) profile.source = "kernels measured on this machine";
}

Result<void> PerformanceLedger::keep_kernels(const MachineProfile& measured) {
  for (const auto& [format, bytes] : measured.decode_bytes)
    TRY_VOID(measurements_.record_machine(machine_, name_of(kDecode, format), bytes));
  for (const auto& [format, macs] : measured.prefill_macs)
    TRY_VOID(measurements_.record_machine(machine_, name_of(kPrefill, format), macs));
  for (const Figure& one : kFigures) TRY_VOID(measurements_.record_machine(machine_, one.name, measured.*one.member));
  return {};
}

std::string machine_key(std::string_view fingerprint, std::int32_t threads) { return std::format("{} / {} threads", fingerprint, threads); }

}  // namespace pensieve
