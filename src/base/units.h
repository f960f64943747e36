// Quantities with their unit in the type.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

namespace pensieve {

// A count of bytes; signed, so that "over budget" is a negative number and never wraps.
struct Bytes {
  std::int64_t value = 0;

  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes& operator+=(Bytes other) {
    value += other.value;
    return *this;
  }
  constexpr Bytes& operator-=(Bytes other) {
    value -= other.value;
    return *this;
  }
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return {a.value + b.value}; }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return {a.value - b.value}; }
  friend constexpr Bytes operator*(Bytes a, std::int64_t n) { return {a.value * n}; }
};

constexpr Bytes kibibytes(std::int64_t n) { return {n * 1024}; }
constexpr Bytes mebibytes(std::int64_t n) { return {n * 1024 * 1024}; }
constexpr Bytes gigabytes(std::int64_t n) { return {n * 1'000'000'000}; }

// "98.4 MB", "12.0 GB": SI units, one decimal from megabytes up.
std::string to_text(Bytes bytes);

struct TokensPerSecond {
  double value = 0;
  constexpr auto operator<=>(const TokensPerSecond&) const = default;
};

struct Celsius {
  double value = 0;
  constexpr auto operator<=>(const Celsius&) const = default;
};

// Rate of `tokens` produced over `elapsed`; 0 for an empty interval.
template <typename Rep, typename Period>
constexpr TokensPerSecond rate(std::int64_t tokens, std::chrono::duration<Rep, Period> elapsed) {
  const double seconds = std::chrono::duration<double>(elapsed).count();
  return {seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0};
}

}  // namespace pensieve
