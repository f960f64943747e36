#include <charconv>
#include <cmath>
#include <format>

#include "api/ollama/request.h"

namespace pensieve::api::ollama {
namespace {

constexpr double kLongest = 1e9;  // seconds; longer is for good

// Seconds of "1h30m", "-5m", "300ms", "1.5h"; empty if it is no duration.
std::optional<double> duration_seconds(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return {};
  constexpr std::pair<std::string_view, double> kUnits[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
  double sum = 0;
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || number < 0) return {};
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    std::size_t letters = 0;
    while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z') ++letters;
    const std::string_view unit = text.substr(0, letters);
    // A bare number is seconds.
    double factor = unit.empty() && text.empty() ? 1 : 0;
    for (const auto& [known, seconds] : kUnits) {
      if (unit == known) factor = seconds;
    }
    if (factor == 0) return {};
    sum += number * factor;
    text.remove_prefix(letters);
  }
  return negative ? -sum : sum;
}

}  // namespace

std::string bare_name(std::string_view name) {
  constexpr std::string_view kLatest = ":latest";
  if (name.ends_with(kLatest)) name.remove_suffix(kLatest.size());
  return std::string(name);
}

Result<std::string> model_field(const Fields& body) {
  std::optional<std::string> name = TRY(body.text("model"));
  if (!name) name = TRY(body.text("name"));
  if (!name || name->empty()) return body.wrong("model", "is required");
  return std::move(*name);
}

Result<KeepAlive> keep_alive_field(const Fields& body) {
  const Json* value = body.find("keep_alive");
  if (value == nullptr) return KeepAlive();
  std::optional<double> seconds;
  if (value->is_number()) seconds = value->as_number();
  if (value->is_string()) seconds = duration_seconds(value->get_string());
  if (!seconds || !std::isfinite(*seconds)) {
    return body.wrong("keep_alive", R"(must be a number of seconds or a duration like "5m")");
  }
  if (*seconds < 0 || *seconds > kLongest) return KeepAlive(std::chrono::seconds(-1));
  return KeepAlive(std::chrono::seconds(static_cast<std::int64_t>(std::ceil(*seconds))));
}

}  // namespace pensieve::api::ollama
