#include "manager/monitor_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "manager/reading_source.h"

namespace pensieve {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

selector::FleetSnapshot fleet() {
  selector::FleetSnapshot fleet;
  fleet.models = {{.id = "large", .place = selector::ModelPlace::kReady, .decode = {10}, .footprint = gigabytes(6)},
                  {.id = "small", .decode = {40}, .footprint = gigabytes(1)},
                  {.id = "broken", .place = selector::ModelPlace::kFailed, .footprint = gigabytes(2)},
                  {.id = "huge", .memory = selector::MemoryVerdict::kDoesNotFit, .footprint = gigabytes(30)}};
  return fleet;
}

std::optional<monitor::Change> feel(monitor::PerformanceMonitor& monitor, const monitor::Ladder& ladder, double percent) {
  std::optional<monitor::Change> change;
  SteadyTime now = monitor.signals().now();
  for (int i = 0; i < 6; ++i) {
    now += milliseconds(500);
    auto next = monitor.update({.at = now,
                                .source = "test",
                                .memory_total = gigabytes(16),
                                .memory_available = Bytes{static_cast<std::int64_t>(16e9 * (1 - percent / 100))}},
                               ladder);
    if (next) change = std::move(next);
  }
  return change;
}

TEST(MonitorView, TheLadderHasWhatCouldAnswer) {
  const monitor::Ladder ladder = ladder_of(fleet(), {{.id = "large", .active_requests = 1}}, "small");
  ASSERT_EQ(ladder.models().size(), 2U);
  EXPECT_EQ(ladder.models()[0].id, "small");
  EXPECT_FALSE(ladder.models()[0].in_use) << "another one is busy";
  EXPECT_TRUE(ladder.models()[1].in_use);
  EXPECT_TRUE(ladder.models()[1].resident);
  EXPECT_TRUE(ladder_of(fleet(), {}, "small").find("small")->in_use) << "the last one that answered";
}

TEST(MonitorView, ADowngradeIsAnObjectionAnEventAndAStatus) {
  monitor::PerformanceMonitor monitor{monitor_policy({})};
  const monitor::Ladder ladder = ladder_of(fleet(), {}, "large");
  const auto change = feel(monitor, ladder, 90);
  ASSERT_TRUE(change);
  const MachineView view = machine_view(monitor, ladder);
  EXPECT_TRUE(view.pressed);
  ASSERT_EQ(view.objections.size(), 1U);
  EXPECT_THAT(view.objections.at("large"), testing::HasSubstr("memory 90 % used"));
  const ServerEvent event = event_of(*change, 5);
  EXPECT_EQ(event.kind, "downgrade");
  EXPECT_EQ(event.model, "small");
  const MonitorStatus status = monitor_status(monitor);
  EXPECT_EQ(status.level, "downgrade");
  EXPECT_EQ(status.largest_model, "small");
  EXPECT_NEAR(status.signals.at(0).value.value_or(0), 90, 1e-6);
  EXPECT_FALSE(status.signals.at(5).value) << "no temperature: null";
}

TEST(MonitorView, TheConfigurationSetsTheThresholds) {
  monitor::PerformanceMonitor monitor{monitor_policy({.downgrade_memory_percent = 70})};
  EXPECT_TRUE(feel(monitor, ladder_of(fleet(), {}, ""), 75));
}

TEST(ReadingSource, ReplaysAndRecords) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "readings";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "in.jsonl") << "{\"t\":7,\"memory_percent\":50}\n{\"t\":9,\"temperature\":60}\n";
  auto source = recorded_readings(replayed_readings(folder / "in.jsonl").value(), folder / "out.jsonl").value();
  const SteadyTime begin{seconds(1000)};
  EXPECT_TRUE(source->read(begin).memory_available);
  EXPECT_EQ(source->read(begin + seconds(2)).temperature, Celsius{60});
  source.reset();
  const auto again = replayed_readings(folder / "out.jsonl").value();
  EXPECT_FALSE(again->read(begin).temperature);
  EXPECT_EQ(again->read(begin + seconds(2)).temperature, Celsius{60});
  EXPECT_EQ(replayed_readings(folder / "none").error().code, ErrorCode::kIo);
  EXPECT_EQ(replayed_readings(folder).error().code, ErrorCode::kIo);
  EXPECT_FALSE(recorded_readings(machine_readings(system_probe()), folder / "no" / "file"));
}

TEST(ReadingSource, TheMachineIsRead) {
  const monitor::Sample sample = machine_readings(system_probe())->read(SteadyTime{seconds(1)});
  EXPECT_GT(sample.memory_total.value_or(Bytes{}), Bytes{0});
  EXPECT_FALSE(sample.speed);
}

}  // namespace
}  // namespace pensieve
