#include "monitor/monitor.h"

#include <gtest/gtest.h>

#include <functional>

#include "monitor/fake_machine.h"
#include "monitor/score.h"

namespace pensieve::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// The specification of the levels: what a lasting reading leads to within 3 s.
struct LevelCase {
  const char* reading;
  std::function<void(Sample&)> set;
  Level level;
};

void free_bytes(Sample& sample, std::int64_t bytes) { sample.memory_available = Bytes{bytes}; }

const LevelCase kLevels[] = {
    {"calm", [](Sample&) {}, Level::kNormal},
    {"84 % of memory used", [](Sample& s) { free_bytes(s, 2'560'000'000); }, Level::kNormal},
    {"86 % of memory used", [](Sample& s) { free_bytes(s, 2'240'000'000); }, Level::kDowngrade},
    {"under 1 GB free", [](Sample& s) { free_bytes(s, 990'000'000); }, Level::kCritical},
    {"under 0.5 GB free", [](Sample& s) { free_bytes(s, 490'000'000); }, Level::kEmergency},
    {"raised pressure", [](Sample& s) { s.pressure = 1; }, Level::kShrink},
    {"critical pressure", [](Sample& s) { s.pressure = 2; }, Level::kDowngrade},
    {"100 pages/s swapped", [](Sample& s) { s.swap_pages_per_second = 100; }, Level::kNormal},
    {"101 pages/s swapped", [](Sample& s) { s.swap_pages_per_second = 101; }, Level::kDowngrade},
    {"programs wait for memory", [](Sample& s) { s.stall_percent = 12; }, Level::kThrottle},
    {"74 C", [](Sample& s) { s.temperature = Celsius{74}; }, Level::kNormal},
    {"80 C", [](Sample& s) { s.temperature = Celsius{80}; }, Level::kThrottle},
    {"86 C", [](Sample& s) { s.temperature = Celsius{86}; }, Level::kDowngrade},
    {"moderate heat by the system", [](Sample& s) { s.thermal_level = 1; }, Level::kThrottle},
    {"the system throttles", [](Sample& s) { s.thermal_level = 2; }, Level::kDowngrade},
    {"4.9 tok/s", [](Sample& s) { s.speed = TokensPerSecond{4.9}; }, Level::kDowngrade},
    {"5.1 tok/s", [](Sample& s) { s.speed = TokensPerSecond{5.1}; }, Level::kNormal},
    {"idle", [](Sample& s) { s.speed.reset(); }, Level::kNormal},
    {"no sensor at all", [](Sample& s) { s = {.at = s.at}; }, Level::kNormal},
    {"more free than there is", [](Sample& s) { free_bytes(s, 17'000'000'000); }, Level::kNormal},
    {"a negative amount free", [](Sample& s) { free_bytes(s, -1); }, Level::kNormal},
    {"a dead temperature sensor", [](Sample& s) { s.temperature = Celsius{0}; }, Level::kNormal},
    {"a broken temperature sensor", [](Sample& s) { s.temperature = Celsius{255}; }, Level::kNormal},
};

TEST(PerformanceMonitor, LevelsFollowTheThresholds) {
  for (const LevelCase& one : kLevels) {
    FakeMachine machine;
    machine.run(seconds(5));
    one.set(machine.sample);
    machine.run(milliseconds(2900));
    EXPECT_EQ(to_string(machine.monitor.level()), to_string(one.level)) << one.reading;
  }
}

TEST(PerformanceMonitor, SmallMachinesHaveSmallerMargins) {
  FakeMachine machine;
  machine.sample.memory_total = gigabytes(4);
  free_bytes(machine.sample, 700'000'000);  // 82 % used
  machine.run(seconds(5));
  EXPECT_EQ(machine.monitor.level(), Level::kNormal);
  free_bytes(machine.sample, 240'000'000);
  machine.run(seconds(5));
  EXPECT_EQ(machine.monitor.level(), Level::kCritical);
}

TEST(PerformanceMonitor, ASustainedBreachTakesTheNextSmallerModelWithinThreeSeconds) {
  for (const milliseconds step : {milliseconds(250), milliseconds(500), milliseconds(1000)}) {
    FakeMachine machine;
    machine.run(seconds(30), step);
    machine.use_percent(90);
    const auto changes = machine.run(seconds(3), step);
    ASSERT_EQ(changes.size(), 1U) << step;
    EXPECT_EQ(changes[0].cap_to, "middle");
    EXPECT_TRUE(changes[0].downgrade);
    EXPECT_NE(changes[0].reason.find("memory 90 % used, over 85 %"), std::string::npos) << changes[0].reason;
  }
}

TEST(PerformanceMonitor, ASingleSpikeChangesNothing) {
  for (const milliseconds step : {milliseconds(500), milliseconds(1000)}) {
    FakeMachine machine;
    machine.run(seconds(10), step);
    machine.use_percent(99);
    machine.sample.temperature = Celsius{99};
    EXPECT_TRUE(machine.run(step, step).empty());
    machine.use_percent(40);
    machine.sample.temperature = Celsius{50};
    EXPECT_TRUE(machine.run(seconds(60), step).empty());
  }
}

TEST(PerformanceMonitor, TheLargerModelComesBackAfterRecovery) {
  FakeMachine machine;
  machine.use_percent(90);
  machine.run(seconds(5));
  ASSERT_EQ(machine.monitor.cap(), "middle");
  machine.use_percent(40);
  EXPECT_TRUE(machine.run(seconds(50)).empty());
  const auto changes = machine.run(seconds(20));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_TRUE(changes[0].upgrade);
  EXPECT_EQ(changes[0].to, Level::kNormal);
  EXPECT_EQ(machine.monitor.cap(), "");
}

TEST(PerformanceMonitor, OscillationCausesAtMostOneChangeAMinute) {
  for (const int period_s : {2, 4, 10, 20, 30, 45, 70, 100, 150, 240}) {
    FakeMachine machine;
    std::vector<Change> changes;
    for (int second = 0; second < 1800; second += period_s) {
      machine.use_percent(40);
      std::ranges::move(machine.run(milliseconds(500 * period_s)), std::back_inserter(changes));
      machine.use_percent(92);
      std::ranges::move(machine.run(milliseconds(500 * period_s)), std::back_inserter(changes));
    }
    for (std::size_t i = 1; i < changes.size(); ++i) EXPECT_GE(changes[i].at - changes[i - 1].at, minutes(1)) << period_s;
    EXPECT_LE(changes.size(), 20U) << "within 30 minutes, period " << period_s;
  }
}

TEST(PerformanceMonitor, ARegrettedUpgradeMakesTheNextOneWaitLonger) {
  FakeMachine machine;
  std::vector<SteadyTime> upgrades;
  for (int round = 0; round < 4; ++round) {
    machine.use_percent(92);
    machine.run(seconds(70));
    machine.use_percent(40);
    while (machine.monitor.level() != Level::kNormal || !machine.monitor.cap().empty()) machine.run(seconds(1));
    upgrades.push_back(machine.sample.at);
  }
  EXPECT_GT(upgrades[2] - upgrades[1], upgrades[1] - upgrades[0]);
  EXPECT_GT(upgrades[3] - upgrades[2], upgrades[2] - upgrades[1]);
}

TEST(PerformanceMonitor, DangerNeverWaits) {
  FakeMachine machine;
  machine.use_percent(90);
  machine.run(seconds(5));
  machine.use_percent(40);
  machine.run(seconds(80));
  ASSERT_EQ(machine.monitor.level(), Level::kNormal);
  free_bytes(machine.sample, 400'000'000);
  const auto changes = machine.run(seconds(2));
  ASSERT_FALSE(changes.empty());
  EXPECT_EQ(changes.back().to, Level::kEmergency);
  EXPECT_EQ(machine.monitor.cap(), "small");
  EXPECT_GT(machine.monitor.until_recovery(), seconds(30));
}

TEST(PerformanceMonitor, ABreachThatGoesOnTakesTheNextSmallerModelOnceAMinute) {
  FakeMachine machine;
  machine.use_percent(90);
  const auto changes = machine.run(minutes(5));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[1].cap_to, "small");
  EXPECT_GE(changes[1].at - changes[0].at, minutes(1));
}

TEST(PerformanceMonitor, UpgradesOnlyToWhatWouldNotBringItDownAgain) {
  FakeMachine machine;
  machine.models[2].footprint = gigabytes(8);
  machine.use_percent(90);
  machine.run(seconds(5));
  machine.use_percent(45);  // 8 GB more would be 95 %
  machine.run(minutes(5));
  EXPECT_EQ(machine.monitor.level(), Level::kNormal);
  EXPECT_EQ(machine.monitor.cap(), "middle");
  EXPECT_NE(machine.monitor.held_by().find("would bring memory to 95 %"), std::string::npos) << machine.monitor.held_by();
  machine.use_percent(25);
  machine.run(minutes(2));
  EXPECT_EQ(machine.monitor.cap(), "");
}

TEST(PerformanceMonitor, AModelThatWouldBeTooSlowDoesNotComeBack) {
  FakeMachine machine;
  machine.sample.speed = TokensPerSecond{3};
  machine.run(seconds(5));
  ASSERT_EQ(machine.monitor.cap(), "middle");
  machine.models[2].in_use = false;
  machine.models[1].in_use = machine.models[1].resident = true;
  machine.sample.speed = TokensPerSecond{8};  // of 20: the large one would come at 4
  machine.run(minutes(5));
  EXPECT_EQ(machine.monitor.cap(), "middle");
  machine.sample.speed = TokensPerSecond{18};
  machine.run(minutes(2));
  EXPECT_EQ(machine.monitor.cap(), "");
}

TEST(PerformanceMonitor, TheUpgradeThresholdsOfTheDesignHoldItBack) {
  const auto after = [](double percent, double degrees) {
    FakeMachine machine;
    machine.use_percent(90);
    machine.sample.temperature = Celsius{88};
    machine.run(seconds(5));
    machine.use_percent(percent);
    machine.sample.temperature = Celsius{degrees};
    machine.run(minutes(5));
    return machine.monitor.cap();
  };
  EXPECT_EQ(after(42, 69), "");
  EXPECT_EQ(after(42, 71), "middle");  // not below 70 C
  EXPECT_EQ(after(61, 50), "middle");  // not below 60 %
}

TEST(PerformanceMonitor, HeatTakesTheFasterModelThoughItIsLarger) {
  FakeMachine machine;
  machine.models = {{.id = "dense", .footprint = gigabytes(3), .expected = {20}, .in_use = true},
                    {.id = "experts", .footprint = gigabytes(5), .expected = {45}}};
  machine.sample.temperature = Celsius{90};
  machine.run(seconds(5));
  EXPECT_EQ(machine.monitor.cap(), "experts");
  const Ladder ladder(machine.models);
  EXPECT_EQ(machine.monitor.objection_to(*ladder.find("experts"), ladder), "");
  EXPECT_NE(machine.monitor.objection_to(*ladder.find("dense"), ladder).find("slower than experts"), std::string::npos);
}

TEST(PerformanceMonitor, AStuckSensorIsNotBelieved) {
  FakeMachine machine;
  machine.sample.temperature = Celsius{97};
  machine.sample.thermal_level = 0;
  machine.run(minutes(6));
  EXPECT_EQ(machine.monitor.level(), Level::kNormal);
  EXPECT_EQ(machine.monitor.cap(), "");
  EXPECT_NE(machine.monitor.signals()[SignalKind::kTemperature].note.find("stuck"), std::string::npos);
}

TEST(PerformanceMonitor, WithOneModelThereIsNothingSmaller) {
  FakeMachine machine;
  machine.models.resize(1);
  machine.use_percent(90);
  const auto changes = machine.run(minutes(5));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].to, Level::kDowngrade);
  EXPECT_EQ(machine.monitor.cap(), "");
}

TEST(PerformanceMonitor, OldValuesBecomeUnknown) {
  FakeMachine machine;
  machine.run(seconds(2));
  EXPECT_TRUE(machine.monitor.signals().value(SignalKind::kTemperature));
  machine.sample.temperature.reset();
  machine.run(seconds(12));
  EXPECT_FALSE(machine.monitor.signals().value(SignalKind::kTemperature));
  EXPECT_TRUE(machine.monitor.signals().value(SignalKind::kMemoryPercent));
}

TEST(PerformanceMonitor, SwapIsTheRateOfTheCounter) {
  FakeMachine machine;
  machine.sample.swap_pages_per_second.reset();
  for (int i = 0; i < 10; ++i) {
    machine.sample.swapped_pages = 1'000 + i * 150;  // each half second
    machine.run(milliseconds(500));
  }
  EXPECT_DOUBLE_EQ(machine.monitor.signals().value(SignalKind::kSwap).value_or(0), 300);
  EXPECT_EQ(machine.monitor.level(), Level::kDowngrade);
  machine.sample.swapped_pages = 3;  // began anew
  machine.run(milliseconds(500));
  EXPECT_GE(machine.monitor.signals().value(SignalKind::kSwap).value_or(0), 0);
}

TEST(Score, IsTheMeanOfWhatIsKnown) {
  const auto score_of = [](std::optional<double> tps, double percent, std::optional<double> degrees) {
    FakeMachine machine;
    machine.sample.speed = tps ? std::optional(TokensPerSecond{*tps}) : std::nullopt;
    machine.use_percent(percent);
    machine.sample.temperature = degrees ? std::optional(Celsius{*degrees}) : std::nullopt;
    machine.run(milliseconds(500));
    return score(machine.monitor.signals()).value_or(-1);
  };
  EXPECT_NEAR(score_of(10, 50, 60), (0.5 + 0.5 + 1) / 3, 1e-9);
  EXPECT_NEAR(score_of(40, 0, 75), (1 + 1 + 0.5) / 3, 1e-9);
  EXPECT_NEAR(score_of(0, 100, 120), 0, 1e-9);
  EXPECT_NEAR(score_of({}, 50, 60), 0.75, 1e-9);
  EXPECT_NEAR(score_of({}, 25, {}), 0.75, 1e-9);
  EXPECT_FALSE(score(Signals(MonitorPolicy{})));
}

TEST(Throttle, SpeedIsTakenBackSmoothlyAndBeforeTheModelChanges) {
  FakeMachine machine;
  ThrottlePlan before;
  for (double degrees = 74; degrees < 85; degrees += 0.5) {
    machine.sample.temperature = Celsius{degrees};
    machine.run(seconds(20));
    const ThrottlePlan plan = machine.monitor.throttle();
    EXPECT_LE(plan.threads_percent, before.threads_percent);
    EXPECT_GE(plan.pause_percent, before.pause_percent);
    EXPECT_LE(before.threads_percent - plan.threads_percent, 13) << "no cliff at " << degrees;
    before = plan;
  }
  EXPECT_LE(before.threads_percent, 56);
  EXPECT_LE(before.batch_percent, 35);
  EXPECT_GE(before.pause_percent, 55);
  EXPECT_EQ(machine.monitor.cap(), "") << "the model is kept";
  machine.sample.temperature = Celsius{60};
  machine.run(minutes(2));
  EXPECT_EQ(machine.monitor.throttle(), ThrottlePlan{});
}

TEST(Throttle, SmallChangesOfTemperatureDoNotFlicker) {
  FakeMachine machine;
  machine.sample.temperature = Celsius{80.1};
  machine.run(seconds(60));
  const ThrottlePlan plan = machine.monitor.throttle();
  for (int i = 0; i < 50; ++i) {
    machine.sample.temperature = Celsius{i % 2 == 0 ? 79.8 : 80.2};
    machine.run(seconds(10));
    EXPECT_EQ(machine.monitor.throttle(), plan);
  }
}

TEST(Ladder, StepsFromTheModelInUse) {
  const Ladder ladder({{.id = "c", .footprint = gigabytes(6), .expected = {10}},
                       {.id = "a", .footprint = gigabytes(1), .expected = {40}},
                       {.id = "b", .footprint = gigabytes(3), .expected = {5}, .in_use = true}});
  using enum LadderOrder;
  EXPECT_EQ(ladder.step_down("", kFootprint)->id, "a");
  EXPECT_EQ(ladder.step_down("a", kFootprint), nullptr);
  EXPECT_EQ(ladder.step_down("", kSpeed)->id, "c") << "larger, but faster";
  EXPECT_EQ(ladder.step_down("c", kSpeed)->id, "a");
  EXPECT_EQ(ladder.step_up("a", kFootprint)->id, "b");
  EXPECT_EQ(ladder.step_up("c", kSpeed)->id, "b");
  EXPECT_EQ(ladder.step_up("c", kFootprint), nullptr);
  EXPECT_EQ(ladder.step_up("x", kFootprint), nullptr);
  EXPECT_TRUE(ladder.above(*ladder.find("b"), "c", kSpeed));
  EXPECT_FALSE(ladder.above(*ladder.find("b"), "c", kFootprint));
  EXPECT_FALSE(ladder.above(*ladder.find("b"), "x", kFootprint));
  EXPECT_EQ(Ladder().step_down("", kFootprint), nullptr);
}

}  // namespace
}  // namespace pensieve::monitor
