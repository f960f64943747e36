// How the machine feels, in one word.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pensieve::monitor {

// Each includes what those before it do.
enum class Level : std::uint8_t {
  kNormal,
  kThrottle,   // the same models, at less speed: the machine is warm or short of breath
  kShrink,     // memory is getting short: models that idle leave it, nothing larger is loaded
  kDowngrade,  // a smaller model answers
  kCritical,   // new requests get 503
  kEmergency,  // every idle model leaves memory at once
};
inline constexpr std::size_t kLevelCount = 6;

constexpr std::string_view to_string(Level level) {
  constexpr std::array<std::string_view, kLevelCount> kWords = {"normal", "throttle", "shrink", "downgrade", "critical", "emergency"};
  return kWords[static_cast<std::size_t>(level)];
}

}  // namespace pensieve::monitor
