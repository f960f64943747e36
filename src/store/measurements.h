// What was measured on a machine: corrects predictions and is shown beside them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "store/database.h"

namespace pensieve::store {

enum class MeasurementKind : std::uint8_t { kDecodeTps, kPrefillTps, kLoadMs, kMemoryBytes };

// "decode_tps", as stored.
std::string_view to_string(MeasurementKind kind);

// What a figure is true of.
struct MeasurementKey {
  std::string machine;  // fingerprint (machine/)
  std::string model;    // fingerprint of the file (gguf/)
  MeasurementKind kind = MeasurementKind::kDecodeTps;
  std::string setting;     // e.g. "f16"; figures of different settings are never mixed
  std::int64_t depth = 0;  // tokens in the cache when it was measured; memory: the context
};

struct MeasuredFigure {
  double value = 0;  // median of the newest few
  int samples = 0;
  std::int64_t depth = 0;  // where it was measured
  std::int64_t at_unix = 0;
};

// One thread at a time. Only the newest figures of a key are kept, so the file stays small.
class Measurements {
 public:
  Measurements(Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  // Errors: kInvalidArgument (a figure that is not positive and finite), kIo.
  Result<void> record(const MeasurementKey& key, double value);

  // The figure measured nearest to the key's depth; empty if there is none.
  Result<std::optional<MeasuredFigure>> find(const MeasurementKey& key);

  // A figure of the machine itself (memory bandwidth, speed of a kernel).
  Result<void> record_machine(std::string_view machine, std::string_view name, double value);
  Result<std::optional<double>> machine_figure(std::string_view machine, std::string_view name);

  // Compute buffer that the engine reserved for a model under a setting.
  Result<void> record_reservation(std::string_view model, std::string_view setting, std::int64_t bytes);
  Result<std::optional<std::int64_t>> reservation(std::string_view model, std::string_view setting);

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace pensieve::store
