// NVIDIA cards by their management library, opened at run time where it is installed.
#pragma once

#include <memory>
#include <optional>

#include "base/units.h"

namespace pensieve {

struct GpuReading {
  Bytes total;
  Bytes free;
  std::optional<Celsius> temperature;
};

class Nvml {
 public:
  // Null where there is no library or no card.
  static std::unique_ptr<Nvml> open();
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  // All cards together, the hottest one's temperature.
  [[nodiscard]] std::optional<GpuReading> read() const;

 private:
  struct Functions;
  explicit Nvml(std::unique_ptr<Functions> functions);
  std::unique_ptr<Functions> functions_;
};

}  // namespace pensieve
