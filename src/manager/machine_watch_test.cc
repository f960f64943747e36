#include "manager/machine_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manager/fake_generations.h"
#include "manager/fake_manager.h"

namespace pensieve {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Says what the test says.
class Readings final : public ReadingSource {
 public:
  [[nodiscard]] monitor::Sample read(SteadyTime now) override {
    sample.at = now;
    return sample;
  }
  monitor::Sample sample;
};

class Watch : public ManagerFixture {
 protected:
  Watch() {
    directory_.add("large", Bytes{2'000'000'000});
    directory_.add("small", Bytes{200'000'000});
    auto readings = std::make_unique<Readings>();
    readings_ = readings.get();
    readings_->sample = {.source = "test", .memory_total = gigabytes(16), .temperature = Celsius{50}};
    use_percent(40);
    manager();
    routing_.emplace(manager(), directory_, clock_, RoutingService::Settings{{}, {}, *planner_});
    monitored_.emplace(*routing_, config_.engine, clock_);
    watch_.emplace(loop_.get_executor(), MonitorConfig{}, std::move(readings),
                   MachineWatch::Parts{manager(), *routing_, *monitored_, events_, clock_});
  }
  void use_percent(double percent) { readings_->sample.memory_available = Bytes{static_cast<std::int64_t>(16e9 * (1 - percent / 100))}; }
  // Looks for so long, twice a second.
  void watch_for(milliseconds time) {
    for (; time > milliseconds(0); time -= milliseconds(500)) {
      clock_.advance(milliseconds(500));
      watch_->look();
      settle();
    }
  }
  std::vector<std::string> kinds() {
    std::vector<std::string> kinds;
    for (const ServerEvent& event : events_.after(0)) kinds.push_back(event.kind + " " + event.to);
    return kinds;
  }

  EventLog events_{loop_.get_executor()};
  Readings* readings_ = nullptr;
  std::optional<RoutingService> routing_;
  std::optional<MonitoredService> monitored_;
  std::optional<MachineWatch> watch_;
};

TEST_F(Watch, ModelsThatComeAndGoAreEvents) {
  load("small");
  watch_for(milliseconds(500));
  EXPECT_THAT(kinds(), testing::ElementsAre("model ready"));
}

TEST_F(Watch, ShortMemoryTakesTheLargerModelOutOfItsIdleness) {
  load("large");
  load("small");
  watch_for(seconds(2));
  use_percent(90);
  watch_for(seconds(3));
  EXPECT_EQ(monitored_->status().monitor.level, "downgrade");
  EXPECT_EQ(monitored_->status().monitor.largest_model, "small");
  EXPECT_EQ(status("large").state, ModelState::kUnloaded);
  EXPECT_EQ(status("small").state, ModelState::kReady);
  GenerationRequest request;
  request.model = "large";
  EXPECT_TRUE(completed(routing_->choose(request))) << "a model that is named is what one gets";
}

TEST_F(Watch, AnAnswerUnderWayKeepsItsModel) {
  load("large");
  const auto request = ask("large");
  use_percent(97.5);
  watch_for(seconds(4));
  EXPECT_EQ(monitored_->status().monitor.level, "emergency");
  EXPECT_EQ(status("large").state, ModelState::kReady);
  end(request);
  watch_for(seconds(1));
  EXPECT_EQ(status("large").state, ModelState::kUnloaded);
}

TEST_F(Watch, HeatSlowsTheWorkersDownAndCoolnessLetsThemGo) {
  load("small");
  readings_->sample.temperature = Celsius{84};
  watch_for(seconds(30));
  const ipc::Throttle& hot = workers_.of("small")->throttled;
  EXPECT_GT(hot.pause_percent, 30);
  EXPECT_EQ(hot.batch_tokens, static_cast<std::uint32_t>(config_.engine.batch_tokens) *
                                  static_cast<std::uint32_t>(monitored_->status().monitor.throttle.batch_percent) / 100);
  load("large");
  watch_for(milliseconds(500));
  EXPECT_EQ(workers_.of("large")->throttled.pause_percent, workers_.of("small")->throttled.pause_percent) << "those of later loads too";
  readings_->sample.temperature = Celsius{50};
  watch_for(seconds(120));
  EXPECT_EQ(workers_.of("small")->throttled, ipc::Throttle{});
}

}  // namespace
}  // namespace pensieve
