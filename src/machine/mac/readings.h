// What macOS tells of a machine's state, as values to judgements. Pure, so that recorded readings
// test it on any system; header-only for the same reason (mac/ is compiled on macOS alone).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/units.h"
#include "machine/machine_probe.h"

namespace pensieve::mac_readings {

// Pages, of host_statistics64(HOST_VM_INFO64).
struct VmStatistics {
  std::int64_t free = 0;
  std::int64_t active = 0;
  std::int64_t inactive = 0;
  std::int64_t speculative = 0;
  std::int64_t compressor = 0;
  std::int64_t purgeable = 0;
};

// The kernel's own rule (XNU vm_pageout.c): the share of pages that are not compressed.
inline MemoryPressure pressure_of(const VmStatistics& pages) {
  const auto plain = static_cast<double>(pages.free + pages.active + pages.inactive + pages.speculative);
  const double all = plain + static_cast<double>(pages.compressor);
  if (all <= 0) return MemoryPressure::kUnknown;
  if (plain < 0.343 * all) return MemoryPressure::kCritical;
  return plain < 0.5 * all ? MemoryPressure::kWarning : MemoryPressure::kNormal;
}

// kern.memorystatus_vm_pressure_level.
inline MemoryPressure pressure_of_level(int level) {
  switch (level) {
    case 1:
      return MemoryPressure::kNormal;
    case 2:
      return MemoryPressure::kWarning;
    case 4:
      return MemoryPressure::kCritical;
    default:
      return MemoryPressure::kUnknown;
  }
}

// What can be had without compressing or swapping: unused pages and clean or idle ones.
inline Bytes available(const VmStatistics& pages, std::int64_t page_bytes) {
  return Bytes{(pages.free + pages.inactive + pages.speculative) * page_bytes};
}

// A sensor of the system controller, type "flt ": a little-endian float in degrees.
inline std::optional<Celsius> smc_temperature(std::array<std::uint8_t, 4> bytes) {
  const std::uint32_t bits = bytes[0] | (bytes[1] << 8U) | (bytes[2] << 16U) | (static_cast<std::uint32_t>(bytes[3]) << 24U);
  const auto degrees = std::bit_cast<float>(bits);
  if (!(degrees > 5 && degrees < 125)) return std::nullopt;
  return Celsius{degrees};
}

// Keys of CPU and GPU sensors begin with Tp, Te, Ts, Tf and Tg.
inline bool is_temperature_key(std::string_view key) {
  return key.size() == 4 && key[0] == 'T' && std::string_view("petsgf").find(key[1]) != std::string_view::npos && key[1] != 't';
}

}  // namespace pensieve::mac_readings
