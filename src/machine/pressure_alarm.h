// The system's own alarm when memory becomes short, so that nobody has to poll for it.
#pragma once

#include <memory>

namespace pensieve {

// Linux: a trigger of pressure stall information, 200 ms of waiting within 2 s. macOS: the dispatch
// source of memory pressure. One thread.
class PressureAlarm {
 public:
  // Null where the system has none or does not allow it.
  static std::unique_ptr<PressureAlarm> open();
  virtual ~PressureAlarm() = default;

  // Open as long as this lives. An alarm makes it readable, or on Linux sends an exceptional condition
  // (POLLPRI).
  [[nodiscard]] virtual int descriptor() const = 0;
  [[nodiscard]] virtual bool signals_by_exception() const = 0;
  // To be called after an alarm, before the next is waited for. False: there will be none any more.
  virtual bool acknowledge() = 0;
};

}  // namespace pensieve
