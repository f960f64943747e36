#include "machine/pressure_alarm.h"

#include <dispatch/dispatch.h>
#include <fcntl.h>
#include <unistd.h>

namespace pensieve {
namespace {

// The source's handler runs on a thread of the system's and only writes a byte into a pipe.
class DispatchAlarm final : public PressureAlarm {
 public:
  DispatchAlarm(int read_end, int write_end) : read_end_(read_end), write_end_(write_end) {
    source_ = dispatch_source_create(DISPATCH_SOURCE_TYPE_MEMORYPRESSURE, 0,
                                     DISPATCH_MEMORYPRESSURE_WARN | DISPATCH_MEMORYPRESSURE_CRITICAL, queue_);
    if (source_ == nullptr) return;
    dispatch_set_context(source_, &write_end_);
    dispatch_source_set_event_handler_f(source_, [](void* context) {
      const char byte = 1;
      (void)!write(*static_cast<int*>(context), &byte, 1);
    });
    dispatch_resume(source_);
  }
  ~DispatchAlarm() override {
    if (source_ != nullptr) {
      dispatch_source_cancel(source_);
      // A handler that runs now ends before this returns: the queue is serial.
      dispatch_sync_f(queue_, nullptr, [](void*) {});
      dispatch_release(source_);
    }
    dispatch_release(queue_);
    close(read_end_);
    close(write_end_);
  }
  DispatchAlarm(const DispatchAlarm&) = delete;
  DispatchAlarm& operator=(const DispatchAlarm&) = delete;

  [[nodiscard]] bool works() const { return source_ != nullptr; }
  [[nodiscard]] int descriptor() const override { return read_end_; }
  [[nodiscard]] bool signals_by_exception() const override { return false; }
  bool acknowledge() override {
    char bytes[64];
    while (read(read_end_, bytes, sizeof bytes) > 0) {
    }
    return true;
  }

 private:
  int read_end_;
  int write_end_;
  dispatch_queue_t queue_ = dispatch_queue_create("pensieve.pressure", DISPATCH_QUEUE_SERIAL);
  dispatch_source_t source_ = nullptr;
};

}  // namespace

std::unique_ptr<PressureAlarm> PressureAlarm::open() {
  int ends[2];
  if (pipe(ends) != 0) return nullptr;
  for (const int end : ends) {
    fcntl(end, F_SETFL, O_NONBLOCK);
    fcntl(end, F_SETFD, FD_CLOEXEC);
  }
  auto alarm = std::make_unique<DispatchAlarm>(ends[0], ends[1]);
  if (!alarm->works()) return nullptr;
  return alarm;
}

}  // namespace pensieve
