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

}  // namespace pensieve::cli
