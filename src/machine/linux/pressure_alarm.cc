#include "machine/pressure_alarm.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <string_view>

namespace pensieve {
namespace {

class StallTrigger final : public PressureAlarm {
 public:
  explicit StallTrigger(int descriptor) : descriptor_(descriptor) {}
  ~StallTrigger() override { close(descriptor_); }
  StallTrigger(const StallTrigger&) = delete;
  StallTrigger& operator=(const StallTrigger&) = delete;

  [[nodiscard]] int descriptor() const override { return descriptor_; }
  [[nodiscard]] bool signals_by_exception() const override { return true; }
  // The kernel repeats an alarm at most once a window. POLLERR alone: the trigger is gone.
  bool acknowledge() override {
    pollfd state{descriptor_, POLLPRI, 0};
    return poll(&state, 1, 0) >= 0 && (state.revents & POLLERR) == 0;
  }

 private:
  int descriptor_;
};

}  // namespace

std::unique_ptr<PressureAlarm> PressureAlarm::open() {
  // Without rights the window must be a multiple of two seconds (FACTS.md section 4).
  constexpr std::string_view kTrigger{"some 200000 2000000\0", 20};
  const int descriptor = ::open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  auto trigger = std::make_unique<StallTrigger>(descriptor);
  if (write(descriptor, kTrigger.data(), kTrigger.size()) < 0) return nullptr;
  return trigger;
}

}  // namespace pensieve
