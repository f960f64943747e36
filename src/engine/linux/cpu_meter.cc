#include "engine/cpu_meter.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <ranges>
#include <string>

#include "engine/cores.h"

namespace pensieve::engine {
namespace {

// The next number of `text`, which loses it; 0 if there is none.
double take_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return static_cast<double>(number);
}

}  // namespace

namespace detail {

CpuTime busy_time(std::string_view stat, const std::vector<int>& counted, bool niced, CpuTime tick) {
  constexpr std::string_view kCpu = "cpu";
  double ticks = 0;
  for (const auto part : std::views::split(stat, '\n')) {
    std::string_view line(part);
    if (!line.starts_with(kCpu)) break;  // the CPUs come first
    line.remove_prefix(kCpu.size());
    if (line.starts_with(' ')) continue;  // the sum
    if (!std::ranges::contains(counted, static_cast<int>(take_number(line)))) continue;
    // user, nice, system, idle, iowait, irq, softirq, steal
    const double user = take_number(line);
    const double nice = take_number(line);
    ticks += user + (niced ? nice : 0) + take_number(line);
    take_number(line);
    take_number(line);
    for (int i = 0; i < 3; ++i) ticks += take_number(line);
  }
  return ticks * tick;
}

}  // namespace detail

std::optional<CpuTime> cpu_time_of_others() {
  static const std::vector<int> kCpus = detail::allowed_cpus();
  static const CpuTime kTick(1.0 / static_cast<double>(std::max(1L, sysconf(_SC_CLK_TCK))));
  std::ifstream file("/proc/stat");
  const std::string stat{std::istreambuf_iterator<char>(file), {}};
  if (stat.empty()) return std::nullopt;
  return detail::busy_time(stat, kCpus, detail::is_niced(), kTick) - detail::own_cpu_time();
}

}  // namespace pensieve::engine
