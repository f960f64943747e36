#include "monitor/recording.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <format>
#include <glaze/glaze.hpp>

namespace pensieve::monitor {
namespace recording_json {  // glaze reads the names of fields only of types with linkage

struct Line {
  std::optional<double> t;
  std::optional<std::int64_t> memory_total;
  std::optional<std::int64_t> memory_available;
  std::optional<double> memory_percent;
  std::optional<std::int64_t> swapped_pages;
  std::optional<double> swap_pages_per_second;
  std::optional<double> stall_percent;
  std::optional<std::string> pressure;
  std::optional<double> temperature;
  std::optional<int> thermal_level;
  std::optional<double> tokens_per_second;
};

}  // namespace recording_json
namespace {

using recording_json::Line;

constexpr std::array<std::string_view, 3> kPressures = {"normal", "warning", "critical"};
constexpr Bytes kUsualMemory = mebibytes(16 * 1024);
constexpr double kLongest = 1e9;  // seconds

std::unexpected<Error> wrong(std::size_t line, const std::string& what) {
  return fail(ErrorCode::kInvalidArgument, std::format("line {} of the recorded readings: {}", line, what),
              "each line is a JSON object such as {\"t\": 0, \"memory_percent\": 60, \"temperature\": 55}");
}

Result<Sample> sample_of(const Line& line, std::size_t number, Bytes& total) {
  if (line.memory_total && *line.memory_total <= 0) return wrong(number, "memory_total must be over 0");
  if (line.memory_total) total = Bytes{*line.memory_total};
  Sample sample{.source = "replay", .memory_total = total};
  if (line.memory_available) sample.memory_available = Bytes{*line.memory_available};
  if (line.memory_percent && !line.memory_available) {
    if (!(*line.memory_percent >= 0 && *line.memory_percent <= 100)) return wrong(number, "memory_percent must be from 0 to 100");
    sample.memory_available = Bytes{std::llround(static_cast<double>(total.value) * (1 - *line.memory_percent / 100))};
  }
  if (line.pressure) {
    const auto found = std::ranges::find(kPressures, *line.pressure);
    if (found == kPressures.end()) return wrong(number, "pressure must be normal, warning or critical");
    sample.pressure = static_cast<int>(found - kPressures.begin());
  }
  sample.swapped_pages = line.swapped_pages;
  sample.swap_pages_per_second = line.swap_pages_per_second;
  sample.stall_percent = line.stall_percent;
  if (line.temperature) sample.temperature = Celsius{*line.temperature};
  sample.thermal_level = line.thermal_level;
  if (line.tokens_per_second) sample.speed = TokensPerSecond{*line.tokens_per_second};
  return sample;
}

}  // namespace

Result<Recording> Recording::parse(std::string_view text) {
  Recording recording;
  Bytes total = kUsualMemory;
  double last = 0;
  double first = 0;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (const std::size_t begin = line.find_first_not_of(" \t\r"); begin == std::string::npos || line[begin] == '#') continue;
    Line fields;
    if (const auto error = glz::read_json(fields, line)) return wrong(number, glz::format_error(error, line));
    if (!fields.t || !(std::abs(*fields.t) <= kLongest)) return wrong(number, "t, the time in seconds, is missing or no time");
    if (recording.entries_.empty()) {
      first = *fields.t;
    } else if (*fields.t < last) {
      return wrong(number, std::format("t falls from {} to {}", last, *fields.t));
    }
    last = *fields.t;
    const auto begin = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(last - first));
    recording.entries_.push_back({begin, TRY(sample_of(fields, number, total))});
  }
  if (recording.entries_.empty()) return wrong(number, "there is no reading in it");
  return recording;
}

const Sample& Recording::at(std::chrono::nanoseconds elapsed) const {
  const auto next = std::ranges::upper_bound(entries_, elapsed, {}, &Entry::begin);
  return next == entries_.begin() ? next->sample : std::prev(next)->sample;
}

std::string recording_line(std::chrono::nanoseconds elapsed, const Sample& sample) {
  Line line{.t = std::round(std::chrono::duration<double>(elapsed).count() * 1000) / 1000};
  if (sample.memory_total) line.memory_total = sample.memory_total->value;
  if (sample.memory_available) line.memory_available = sample.memory_available->value;
  line.swapped_pages = sample.swapped_pages;
  line.swap_pages_per_second = sample.swap_pages_per_second;
  line.stall_percent = sample.stall_percent;
  if (sample.pressure && *sample.pressure >= 0 && *sample.pressure < std::ssize(kPressures)) {
    line.pressure = std::string(kPressures[static_cast<std::size_t>(*sample.pressure)]);
  }
  if (sample.temperature) line.temperature = sample.temperature->value;
  line.thermal_level = sample.thermal_level;
  if (sample.speed) line.tokens_per_second = sample.speed->value;
  return glz::write_json(line).value_or("{}");
}

}  // namespace pensieve::monitor
