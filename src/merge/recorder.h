// Syncs a work file and notes its state while the merge goes on, so that an interruption costs little
// and the end need not wait for the whole file to reach the disk.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

#include "merge/work_file.h"

namespace pensieve::merge {

class Recorder {
 public:
  // Records every `interval` what finished() told last, if that changed. `file` must outlive it. Errors
  // are left to the merge itself, which writes to the same disk.
  Recorder(WorkFile& file, std::chrono::milliseconds interval);

  void finished(std::size_t tensors) { finished_ = tensors; }

 private:
  void loop(const std::stop_token& stop, std::chrono::milliseconds interval);

  WorkFile& file_;
  std::atomic<std::size_t> finished_ = 0;
  std::mutex mutex_;  // only to wait with
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the others until it is joined
};

}  // namespace pensieve::merge
