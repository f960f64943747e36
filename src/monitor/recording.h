// Recorded readings of a machine: one JSON object a line, for trying policies and for tests.
//
//   {"t": 0, "memory_total": 17179869184, "memory_available": 9000000000, "temperature": 55}
//   {"t": 10.5, "memory_percent": 91, "swap_pages_per_second": 140, "tokens_per_second": 8}
//
// `t` is in seconds and never falls. A line holds until the next one's time, the last for ever; what it
// does not tell is unknown, except memory_total, which holds from then on (16 GiB if no line tells it).
// `memory_percent` (used) may stand for `memory_available`. Further fields: swapped_pages, stall_percent,
// pressure ("normal", "warning", "critical"), thermal_level. Empty lines and lines that begin with #
// are skipped.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "monitor/signals.h"

namespace pensieve::monitor {

class Recording {
 public:
  // Error kInvalidArgument naming the line and what is wrong with it; also if there is no line.
  static Result<Recording> parse(std::string_view text);

  // The reading that holds `elapsed` after the first line's time; `at` is left to the caller.
  [[nodiscard]] const Sample& at(std::chrono::nanoseconds elapsed) const;
  [[nodiscard]] std::chrono::nanoseconds length() const { return entries_.back().begin; }

 private:
  struct Entry {
    std::chrono::nanoseconds begin;
    Sample sample;
  };
  std::vector<Entry> entries_;  // by time; at least one
};

// One line of a recording, without the line's end.
std::string recording_line(std::chrono::nanoseconds elapsed, const Sample& sample);

}  // namespace pensieve::monitor
