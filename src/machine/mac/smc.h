// Temperatures of a Mac's system controller (AppleSMC), read without root.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/units.h"

namespace pensieve {

// A private interface of the system: where any step of it fails there are no temperatures, and the
// thermal level that macOS tells has to do. One thread at a time.
class Smc {
 public:
  // Null where there is no controller or no sensor of CPU or GPU.
  static std::unique_ptr<Smc> open();
  ~Smc();
  Smc(const Smc&) = delete;
  Smc& operator=(const Smc&) = delete;

  // The hottest of CPU and GPU.
  [[nodiscard]] std::optional<Celsius> hottest() const;

 private:
  struct Library;
  Smc(std::unique_ptr<Library> library, std::uint32_t connection);
  void find_sensors();

  std::unique_ptr<Library> library_;
  std::uint32_t connection_ = 0;
  std::vector<std::uint32_t> sensors_;  // keys of type "flt "
};

}  // namespace pensieve
