#include "merge/recorder.h"

namespace pensieve::merge {

Recorder::Recorder(WorkFile& file, std::chrono::milliseconds interval)
    : file_(file), thread_([this, interval](const std::stop_token& stop) { loop(stop, interval); }) {}

void Recorder::loop(const std::stop_token& stop, std::chrono::milliseconds interval) {
  std::size_t recorded = 0;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
    if (stop.stop_requested()) return;
    const std::size_t finished = finished_;
    if (finished == recorded || !file_.record(finished)) continue;
    recorded = finished;
  }
}

}  // namespace pensieve::merge
