#include "machine/linux/readings.h"

#include <charconv>

namespace pensieve::linux_readings {
namespace {

// Calls `use(line)` for each line until it returns true.
template <typename Use>
void for_lines(std::string_view text, Use use) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (use(text.substr(0, end)) || end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

template <typename T>
std::optional<T> number(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return std::nullopt;
  T value{};
  const auto [end, error] = std::from_chars(text.data() + begin, text.data() + text.size(), value);
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

double average_10s(std::string_view line) {
  const std::size_t at = line.find("avg10=");
  return at == std::string_view::npos ? 0 : number<double>(line.substr(at + 6)).value_or(0);
}

}  // namespace

MemoryInfo parse_meminfo(std::string_view text) {
  MemoryInfo info;
  for_lines(text, [&](std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view key = line.substr(0, colon);
    Bytes* target = key == "MemTotal"       ? &info.total
                    : key == "MemAvailable" ? &info.available
                    : key == "SwapTotal"    ? &info.swap_total
                    : key == "SwapFree"     ? &info.swap_free
                                            : nullptr;
    if (target != nullptr) *target = kibibytes(number<std::int64_t>(line.substr(colon + 1)).value_or(0));
    return false;
  });
  return info;
}

std::optional<std::int64_t> parse_vmstat(std::string_view text, std::string_view name) {
  std::optional<std::int64_t> value;
  for_lines(text, [&](std::string_view line) {
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') return false;
    value = number<std::int64_t>(line.substr(name.size()));
    return true;
  });
  return value;
}

std::optional<Pressure> parse_pressure(std::string_view text) {
  if (text.find("some ") == std::string_view::npos) return std::nullopt;
  Pressure pressure;
  for_lines(text, [&](std::string_view line) {
    if (line.starts_with("some ")) pressure.some_10s = average_10s(line);
    if (line.starts_with("full ")) pressure.full_10s = average_10s(line);
    return false;
  });
  return pressure;
}

std::optional<Bytes> parse_limit(std::string_view text) {
  const auto value = number<std::int64_t>(text);
  return value ? std::optional(Bytes{*value}) : std::nullopt;
}

Bytes parse_group_use(std::string_view current, std::string_view stat) {
  return Bytes{number<std::int64_t>(current).value_or(0) - parse_vmstat(stat, "inactive_file").value_or(0)};
}

std::string parse_group(std::string_view text) {
  std::string group;
  for_lines(text, [&](std::string_view line) {
    if (!line.starts_with("0::")) return false;
    group = line.substr(3);
    return true;
  });
  return group;
}

std::optional<Celsius> parse_temperature(std::string_view text) {
  const auto millidegrees = number<std::int64_t>(text);
  // Sensors that are not there read 0, -40000 or 127000.
  if (!millidegrees || *millidegrees <= 0 || *millidegrees >= 125'000) return std::nullopt;
  return Celsius{static_cast<double>(*millidegrees) / 1000};
}

std::string parse_cpu_name(std::string_view text) {
  std::string name;
  for_lines(text, [&](std::string_view line) {
    if (!line.starts_with("model name")) return false;
    const std::size_t colon = line.find(": ");
    if (colon != std::string_view::npos) name = line.substr(colon + 2);
    return true;
  });
  return name;
}

bool parse_has_tiles(std::string_view text) {
  bool found = false;
  for_lines(text, [&](std::string_view line) {
    if (!line.starts_with("flags")) return false;
    const std::string flags = std::string(line) + ' ';
    found = flags.contains(" amx_tile ") && flags.contains(" amx_int8 ") && flags.contains(" avx512_vnni ");
    return true;
  });
  return found;
}

}  // namespace pensieve::linux_readings
