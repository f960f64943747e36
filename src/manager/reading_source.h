// Where the monitor's readings come from: the machine, or a recording of one.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "machine/machine_probe.h"
#include "monitor/recording.h"

namespace pensieve {

// One thread. A reading takes less than a millisecond.
class ReadingSource {
 public:
  virtual ~ReadingSource() = default;
  // The machine at `now`, a time that never falls. `speed` is empty unless the source itself knows it.
  [[nodiscard]] virtual monitor::Sample read(SteadyTime now) = 0;
};

// The machine that this runs on.
std::unique_ptr<ReadingSource> machine_readings(std::unique_ptr<MachineProbe> probe);

// A recording (monitor/recording.h), from its beginning at the first reading. Errors: kIo, kInvalidArgument.
Result<std::unique_ptr<ReadingSource>> replayed_readings(const std::filesystem::path& file);

// Passes `source`'s readings on and writes each to `file`, begun anew, as a recording. A write that fails is logged
// once and ends the recording. Error kIo: the file can't be written.
Result<std::unique_ptr<ReadingSource>> recorded_readings(std::unique_ptr<ReadingSource> source, const std::filesystem::path& file);

}  // namespace pensieve
