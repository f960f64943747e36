#include "manager/fleet_view.h"

#include <gtest/gtest.h>

#include "manager/fake_planner.h"

namespace pensieve {
namespace {

using Ids = std::vector<std::string>;

// A machine that models may have 12 GB of, with "rare" and "often" loaded, of 5 GB each.
class FleetView : public testing::Test {
 protected:
  FleetView() {
    for (const char* id : {"rare", "often"}) {
      status_.push_back({.id = id,
                         .state = ModelState::kReady,
                         .planned_bytes = gigabytes(5).value,
                         .mapped_bytes = gigabytes(5).value,
                         .load_ms = 3000,
                         .recent_uses = id == std::string_view("rare") ? 0.5 : 4});
    }
  }
  // What loading a model of 5 GB would do.
  selector::FleetModel newcomer() {
    const InstalledModel model{.id = "new", .file_bytes = gigabytes(5).value, .context_length = 4096};
    return unloaded_fleet_model(model, fleet_machine(planning_.planner, status_, SteadyTime(std::chrono::hours(1))), 0);
  }

  FakePlanning planning_;
  std::vector<ModelStatus> status_;
};

TEST_F(FleetView, NamesTheModelThatTheLoaderWouldUnload) {
  status_[0].idle_seconds = 1;  // used last, but rarely
  status_[1].idle_seconds = 60;
  EXPECT_EQ(newcomer().evicts, (Ids{"rare"}));
  EXPECT_EQ(newcomer().evicted_reload, std::chrono::milliseconds(3000));
}

TEST_F(FleetView, APinnedModelIsNotAmongThoseThatLeave) {
  status_[0].pinned = true;
  EXPECT_EQ(newcomer().evicts, (Ids{"often"}));
  status_[1].active_requests = 1;  // has to be waited for
  EXPECT_EQ(newcomer().evicts, (Ids{"often"}));
  status_[1].pinned = true;
  EXPECT_EQ(newcomer().memory, selector::MemoryVerdict::kDoesNotFit);
}

}  // namespace
}  // namespace pensieve
