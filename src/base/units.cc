#include "base/units.h"

#include <array>
#include <cmath>
#include <format>
#include <string_view>

namespace pensieve {

std::string to_text(Bytes bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  double amount = static_cast<double>(bytes.value);
  std::size_t unit = 0;
  while (std::abs(amount) >= 999.95 && unit + 1 < kUnits.size()) {
    amount /= 1000;
    ++unit;
  }
  return unit < 2 ? std::format("{:.0f} {}", amount, kUnits[unit]) : std::format("{:.1f} {}", amount, kUnits[unit]);
}

}  // namespace pensieve
