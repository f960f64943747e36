#include "words.h"

#include <format>

#include "base/units.h"

namespace pensieve::cli {

std::string size_word(std::int64_t bytes) { return bytes == 0 ? "" : to_text(Bytes{bytes}); }

std::string parameters_word(std::int64_t parameters) {
  const auto amount = static_cast<double>(parameters);
  return parameters < 1'000'000'000 ? std::format("{:.1f} M", amount / 1e6) : std::format("{:.1f} B", amount / 1e9);
}

std::string duration_word(std::int64_t seconds) {
  if (seconds < 60) return std::format("{} s", seconds);
  if (seconds < 3600) return std::format("{} min", seconds / 60);
  if (seconds < 86400) return std::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
  return std::format("{} d {} h", seconds / 86400, seconds % 86400 / 3600);
}

std::string state_word(const ModelStatus& model) {
  const std::string state(to_string(model.state));
  return model.state_reason.empty() ? state : std::format("{}: {}", state, model.state_reason);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string machine_word(const MonitorStatus& monitor) {
  if (!monitor.enabled) return "not watched (monitor.enabled = false)";
  std::string text = monitor.level;
  if (!monitor.reason.empty()) text += ": " + monitor.reason;
  if (!monitor.largest_model.empty()) text += std::format("; auto uses no model heavier than {}", monitor.largest_model);
  if (!monitor.held_by.empty()) text += std::format(" yet ({})", monitor.held_by);
  if (monitor.throttle.pause_percent > 0) text += std::format("; slowed down by pauses of {} %", monitor.throttle.pause_percent);
  return text;
}

std::string signals_word(const MonitorStatus& monitor) {
  std::vector<std::string> parts;
  for (const SignalStatus& signal : monitor.signals) {
    if (!signal.value) continue;
    if (signal.name == "memory_percent") parts.push_back(std::format("memory {:.0f} % used", *signal.value));
    if (signal.name == "swap") parts.push_back(std::format("{:.0f} pages/s swapped", *signal.value));
    if (signal.name == "temperature") parts.push_back(std::format("{:.0f} C", *signal.value));
    if (signal.name == "speed") parts.push_back(std::format("{:.1f} tok/s", *signal.value));
  }
  if (monitor.score) parts.push_back(std::format("score {:.2f}", *monitor.score));
  return parts.empty() ? "unknown" : joined(parts);
}

}  // namespace pensieve::cli
