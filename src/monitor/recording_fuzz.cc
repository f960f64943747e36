// Any bytes as recorded readings: an error or samples that the monitor takes.
#include <cstdint>
#include <string_view>

#include "monitor/monitor.h"
#include "monitor/recording.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pensieve::monitor;
  const auto recording = Recording::parse({reinterpret_cast<const char*>(data), size});
  if (!recording) return 0;
  PerformanceMonitor monitor{MonitorPolicy{}};
  const Ladder ladder({{.id = "a", .footprint = pensieve::gigabytes(1)}, {.id = "b", .footprint = pensieve::gigabytes(4)}});
  for (int step = 0; step < 200; ++step) {
    const auto elapsed = std::chrono::milliseconds(500) * step;
    Sample sample = recording->at(elapsed);
    sample.at += elapsed;
    monitor.update(sample, ladder);
  }
  return 0;
}
