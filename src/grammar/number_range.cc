#include "grammar/number_range.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <vector>

namespace pensieve::grammar {
namespace {

constexpr int kDigits = 15;  // that a double keeps
constexpr int kDecimals = 6;
constexpr int kWholeDigits = 9;  // of a decimal number without bound on a side

std::int64_t power_of_ten(int exponent) {
  std::int64_t power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

std::string digit(char first, char last) { return first == last ? std::format("\"{}\"", first) : std::format("[{}-{}]", first, last); }

// Digit strings of one length between two of them. The last `decimals` digits stand behind a point;
// where they are free they may be left out.
class DigitRange {
 public:
  explicit DigitRange(std::size_t decimals) : decimals_(decimals) {}

  [[nodiscard]] std::string between(std::string_view low, std::string_view high) const {
    if (low.empty()) return "";
    const bool all_low = low.find_first_not_of('0') == std::string_view::npos;
    // Decimals may stop where nothing but zeros has to follow.
    const bool may_end = all_low && low.size() <= decimals_;
    return may_end ? "(" + within(low, high) + ")?" : within(low, high);
  }

 private:
  [[nodiscard]] std::string within(std::string_view low, std::string_view high) const {
    const bool all_low = low.find_first_not_of('0') == std::string_view::npos;
    const bool all_high = high.find_first_not_of('9') == std::string_view::npos;
    if (all_low && all_high) return any(low.size());
    const std::string_view rest_low = low.substr(1);
    const std::string_view rest_high = high.substr(1);
    if (low[0] == high[0]) return place(low.size(), digit(low[0], low[0]), between(rest_low, rest_high));
    const std::string nines(rest_low.size(), '9');
    const std::string zeros(rest_low.size(), '0');
    std::vector<std::string> options;
    char first = low[0];
    char last = high[0];
    if (rest_low.find_first_not_of('0') != std::string_view::npos) {
      options.push_back(place(low.size(), digit(first, first), between(rest_low, nines)));
      ++first;
    }
    std::string top;
    if (rest_high.find_first_not_of('9') != std::string_view::npos) {
      top = place(low.size(), digit(last, last), between(zeros, rest_high));
      --last;
    }
    if (first <= last) options.push_back(place(low.size(), digit(first, last), any(rest_low.size())));
    if (!top.empty()) options.push_back(top);
    std::string text;
    for (const std::string& option : options) text += (text.empty() ? "" : " | ") + option;
    return "(" + text + ")";
  }

  // One digit with `left` digits from it on, and what follows.
  [[nodiscard]] std::string place(std::size_t left, const std::string& head, const std::string& rest) const {
    const std::string point = decimals_ > 0 && left == decimals_ ? "\".\" " : "";
    return point + head + (rest.empty() ? "" : " " + rest);
  }

  [[nodiscard]] std::string any(std::size_t left) const {
    if (left == 0) return "";
    const std::size_t whole = left > decimals_ ? left - decimals_ : 0;
    std::string text;
    if (whole > 0) text = std::format("[0-9]{{{}}}", whole);
    if (decimals_ == 0) return text;
    if (left >= decimals_) return text + (text.empty() ? "" : " ") + std::format("(\".\" [0-9]{{1,{}}})?", decimals_);
    return std::format("[0-9]{{0,{}}}", left);
  }

  std::size_t decimals_;
};

// Numbers from `low` to `high`, both at least 0, counted in units of the last decimal.
std::string magnitudes(std::int64_t low, std::int64_t high, int decimals) {
  const DigitRange range(static_cast<std::size_t>(decimals));
  std::string text;
  const auto add = [&](const std::string& option) { text += (text.empty() ? "" : " | ") + option; };
  int free_from = 0;  // whole digits of a run of lengths where all numbers are within
  int free_to = 0;
  for (int whole = 1; whole + decimals <= 18; ++whole) {
    const int digits = whole + decimals;
    const std::int64_t first = std::max(low, whole == 1 ? 0 : power_of_ten(digits - 1));
    const std::int64_t last = std::min(high, power_of_ten(digits) - 1);
    if (first > last) continue;
    if (whole > 1 && first == power_of_ten(digits - 1) && last == power_of_ten(digits) - 1) {
      if (free_from == 0) free_from = whole;
      free_to = whole;
      continue;
    }
    add(range.between(std::format("{:0{}}", first, digits), std::format("{:0{}}", last, digits)));
  }
  if (free_from > 0) {
    std::string run = std::format("[1-9] [0-9]{{{},{}}}", free_from - 1, free_to - 1);
    if (decimals > 0) run += std::format(" (\".\" [0-9]{{1,{}}})?", decimals);
    add(run);
  }
  return text;
}

std::string signed_range(Rules& rules, std::int64_t low, std::int64_t high, int decimals) {
  std::string text;
  if (low < 0) {
    const std::string body = magnitudes(std::max<std::int64_t>(1, -high), -low, decimals);
    text = std::format("\"-\" {}", rules.add("digits", body));
  }
  if (high >= 0) {
    const std::string body = magnitudes(std::max<std::int64_t>(0, low), high, decimals);
    text += (text.empty() ? "" : " | ") + rules.add("digits", body);
  }
  return rules.add(decimals > 0 ? "decimal" : "whole", text);
}

// How far a bound may be off after scaling: a double keeps 53 bits.
long double tolerance(long double scaled) { return std::abs(scaled) * 2.3e-16L + 1e-12L; }

// The bounds in units of 10^-decimals, rounded inwards; `whole` digits on a side without bound.
Result<std::string> bounded(Rules& rules, const NumberBounds& bounds, int whole, int decimals) {
  const auto unit = static_cast<long double>(power_of_ten(decimals));
  const auto most = static_cast<long double>(power_of_ten(whole + decimals) - 1);
  long double low = -most;
  long double high = most;
  if (bounds.minimum) {
    const long double scaled = static_cast<long double>(*bounds.minimum) * unit;
    low = bounds.above_minimum ? std::floor(scaled + tolerance(scaled)) + 1 : std::ceil(scaled - tolerance(scaled));
  }
  if (bounds.maximum) {
    const long double scaled = static_cast<long double>(*bounds.maximum) * unit;
    high = bounds.below_maximum ? std::ceil(scaled - tolerance(scaled)) - 1 : std::floor(scaled + tolerance(scaled));
  }
  if (low > high) return fail(ErrorCode::kInvalidArgument, "no number is within the bounds");
  if (low > most || high < -most) return fail(ErrorCode::kUnsupported, std::format("bounds of more than {} digits can't be held", kDigits));
  return signed_range(rules, static_cast<std::int64_t>(std::max(low, -most)), static_cast<std::int64_t>(std::min(high, most)), decimals);
}

// Decimals that a bound is written with, in its shortest form.
int decimals_of(const std::optional<double>& bound) {
  if (!bound || *bound == std::floor(*bound)) return 0;
  const std::string text = std::format("{:.9f}", *bound);
  const std::size_t last = text.find_last_not_of('0');
  return static_cast<int>(last - text.find('.'));
}

}  // namespace

Result<std::string> integer_in(Rules& rules, const NumberBounds& bounds) {
  if (!bounds.minimum && !bounds.maximum) {
    return rules.add("integer", std::format(R"("-"? ("0" | [1-9] [0-9]{{0,{}}}))", kDigits - 1));
  }
  return bounded(rules, bounds, kDigits, 0);
}

Result<std::string> number_in(Rules& rules, const NumberBounds& bounds) {
  if (!bounds.minimum && !bounds.maximum) {
    return rules.add(
        "number", std::format(R"("-"? ("0" | [1-9] [0-9]{{0,{}}}) ("." [0-9]{{1,{}}})? ([eE] [-+]? [0-9]{{1,2}})?)", kDigits - 1, kDigits));
  }
  const double largest = std::max(std::abs(bounds.minimum.value_or(0)), std::abs(bounds.maximum.value_or(0)));
  int whole = 1;
  for (double rest = largest; rest >= 10 && whole < kDigits; rest /= 10) ++whole;
  if (!bounds.minimum || !bounds.maximum) whole = std::max(whole, kWholeDigits);
  const int wanted = std::max({kDecimals, decimals_of(bounds.minimum) + 1, decimals_of(bounds.maximum) + 1});
  return bounded(rules, bounds, whole, std::min(wanted, kDigits - whole));
}

}  // namespace pensieve::grammar
