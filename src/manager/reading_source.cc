#include "manager/reading_source.h"

#include <format>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "base/log.h"

namespace pensieve {
namespace {

#ifdef __APPLE__
constexpr const char* kSystem = "macos";
#else
constexpr const char* kSystem = "linux";
#endif

constexpr std::uintmax_t kLargestRecording = 64'000'000;

std::optional<Bytes> known(Bytes bytes) { return bytes.value > 0 ? std::optional(bytes) : std::nullopt; }

class MachineReadings final : public ReadingSource {
 public:
  explicit MachineReadings(std::unique_ptr<MachineProbe> probe) : probe_(std::move(probe)) {}

  [[nodiscard]] monitor::Sample read(SteadyTime now) override {
    const MachineReading reading = probe_->read();
    monitor::Sample sample{.at = now, .source = kSystem, .memory_total = known(reading.memory_total)};
    if (sample.memory_total) sample.memory_available = reading.memory_available;
    sample.swapped_pages = reading.swapped_pages;
    sample.stall_percent = reading.stall_percent;
    if (reading.pressure != MemoryPressure::kUnknown) sample.pressure = static_cast<int>(reading.pressure) - 1;
    sample.temperature = reading.temperature;
    sample.thermal_level = reading.thermal_level;
    return sample;
  }

 private:
  std::unique_ptr<MachineProbe> probe_;
};

class ReplayedReadings final : public ReadingSource {
 public:
  explicit ReplayedReadings(monitor::Recording recording) : recording_(std::move(recording)) {}

  [[nodiscard]] monitor::Sample read(SteadyTime now) override {
    if (!begin_) begin_ = now;
    monitor::Sample sample = recording_.at(now - *begin_);
    sample.at = now;
    return sample;
  }

 private:
  monitor::Recording recording_;
  std::optional<SteadyTime> begin_;
};

class RecordedReadings final : public ReadingSource {
 public:
  RecordedReadings(std::unique_ptr<ReadingSource> source, std::ofstream file) : source_(std::move(source)), file_(std::move(file)) {}

  [[nodiscard]] monitor::Sample read(SteadyTime now) override {
    monitor::Sample sample = source_->read(now);
    if (!begin_) begin_ = now;
    if (!file_.is_open()) return sample;
    file_ << monitor::recording_line(now - *begin_, sample) << std::endl;
    if (!file_) {
      spdlog::warn("readings are not recorded any more: the file can't be written");
      file_.close();
    }
    return sample;
  }

 private:
  std::unique_ptr<ReadingSource> source_;
  std::ofstream file_;
  std::optional<SteadyTime> begin_;
};

}  // namespace

std::unique_ptr<ReadingSource> machine_readings(std::unique_ptr<MachineProbe> probe) {
  return std::make_unique<MachineReadings>(std::move(probe));
}

Result<std::unique_ptr<ReadingSource>> replayed_readings(const std::filesystem::path& file) {
  std::error_code error;
  const bool regular = std::filesystem::is_regular_file(file, error);
  std::ifstream stream(file, std::ios::binary);
  if (!regular || !stream || std::filesystem::file_size(file, error) > kLargestRecording) {
    return fail(ErrorCode::kIo, std::format("can't read the recorded readings {}", file.string()),
                "name a file that exists, of at most 64 MB");
  }
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  auto recording = monitor::Recording::parse(text);
  if (!recording) return std::unexpected(with_context(std::move(recording).error(), file.string()));
  return std::make_unique<ReplayedReadings>(*std::move(recording));
}

Result<std::unique_ptr<ReadingSource>> recorded_readings(std::unique_ptr<ReadingSource> source, const std::filesystem::path& file) {
  std::ofstream stream(file, std::ios::trunc);
  if (!stream)
    return fail(ErrorCode::kIo, std::format("can't write the readings to {}", file.string()), "choose a file in a folder that exists");
  return std::make_unique<RecordedReadings>(std::move(source), std::move(stream));
}

}  // namespace pensieve
