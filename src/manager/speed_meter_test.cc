#include "manager/speed_meter.h"

#include <gtest/gtest.h>

namespace pensieve {
namespace {

using std::chrono::milliseconds;

class Reader {
 public:
  Reader(SpeedMeter& meter, ManualClock& clock) : meter_(meter), clock_(clock), stream_(meter.begin()) {}
  void read(int count, milliseconds each, milliseconds thinks = milliseconds(0)) {
    for (int i = 0; i < count; ++i) {
      meter_.waits(stream_, clock_.steady_now());
      clock_.advance(each);
      meter_.came(stream_, clock_.steady_now(), 1);
      clock_.advance(thinks);
    }
  }
  SpeedMeter& meter_;
  ManualClock& clock_;
  SpeedMeter::Stream stream_;
};

TEST(SpeedMeter, IdleIsUnknownAndNotSlow) {
  SpeedMeter meter;
  ManualClock clock;
  EXPECT_FALSE(meter.speed(clock.steady_now()));
  Reader reader(meter, clock);
  reader.read(1, milliseconds(30'000));  // the prompt
  EXPECT_FALSE(meter.speed(clock.steady_now())) << "nothing was written yet";
  reader.read(100, milliseconds(50));
  EXPECT_NEAR(meter.speed(clock.steady_now())->value, 20, 0.5);
  meter.end(reader.stream_);
  EXPECT_FALSE(meter.speed(clock.steady_now()));
}

TEST(SpeedMeter, ASlowReaderDoesNotMakeTheModelSlow) {
  SpeedMeter meter;
  ManualClock clock;
  Reader reader(meter, clock);
  reader.read(60, milliseconds(100), milliseconds(60));
  EXPECT_NEAR(meter.speed(clock.steady_now())->value, 10, 0.5);
}

TEST(SpeedMeter, AStreamThatStandsStillIsSlow) {
  SpeedMeter meter;
  ManualClock clock;
  Reader reader(meter, clock);
  reader.read(3, milliseconds(100));
  meter.waits(reader.stream_, clock.steady_now());
  clock.advance(milliseconds(9000));
  EXPECT_LT(meter.speed(clock.steady_now())->value, 1);
}

TEST(SpeedMeter, IsTheMeanOfTheReaders) {
  SpeedMeter meter;
  ManualClock clock;
  Reader fast(meter, clock);
  Reader slow(meter, clock);
  fast.read(1, milliseconds(1));
  slow.read(1, milliseconds(1));
  slow.read(30, milliseconds(100));
  fast.read(60, milliseconds(50));
  EXPECT_NEAR(meter.speed(clock.steady_now())->value, 15, 1);
}

}  // namespace
}  // namespace pensieve
