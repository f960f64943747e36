#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/policy.h"
#include "sim/scenario.h"
#include "sim/simulator.h"

namespace pensieve::sim {
namespace {

using testing::HasSubstr;

constexpr std::string_view kQuiet = R"(
title = "quiet"
models = ["phi-3-mini", "qwen3-4b"]
minutes = 30
[[others]]
minute = 0
memory_gb = 4
[[phases]]
from = 0
to = 25
requests = 20
)";

Outcome run(const Scenario& scenario, std::string_view policy, std::uint64_t seed = 1) {
  const MachineProfile machine = find_profile("m1-16gb").value();
  const auto models = scenario_models(scenario, machine).value();
  return simulate(scenario, machine, models, draw_requests(scenario, seed), *make_policy(policy, scenario, machine).value());
}

TEST(Simulation, EveryShippedScenarioGivesPensieveTheMostGoodAnswersWithoutSwapOrOscillation) {
  for (const std::string& name : shipped_scenario_names()) {
    const Scenario scenario = shipped_scenario(name).value();
    const Summary ours = run(scenario, "pensieve").summary;
    EXPECT_EQ(ours.requests, scenario.requests()) << name;
    EXPECT_EQ(ours.swap_seconds, 0) << name;
    EXPECT_EQ(ours.changes_too_soon, 0) << name;
    for (const std::string& policy : policy_names()) {
      if (policy == "pensieve") continue;
      const Summary theirs = run(scenario, policy).summary;
      EXPECT_GT(ours.quality_at_good, theirs.quality_at_good) << name << ", " << policy;
    }
  }
}

TEST(Simulation, ASeedDecidesEverything) {
  const Scenario scenario = shipped_scenario("oscillation").value();
  const Outcome first = run(scenario, "pensieve", 7);
  const Outcome again = run(scenario, "pensieve", 7);
  ASSERT_EQ(first.served.size(), again.served.size());
  for (std::size_t i = 0; i < first.served.size(); ++i) EXPECT_EQ(first.served[i].latency, again.served[i].latency);
  EXPECT_NE(first.summary.worst_latency_s, run(scenario, "pensieve", 8).summary.worst_latency_s);
}

TEST(Simulation, EveryRequestEndsOnce) {
  for (const std::string& policy : policy_names()) {
    const Outcome outcome = run(parse_scenario(kQuiet, "quiet").value(), policy);
    EXPECT_EQ(outcome.summary.requests, 20) << policy;
    const Summary& s = outcome.summary;
    const double all = s.unusable + s.frustrating + s.acceptable + s.good + s.seamless;
    EXPECT_NEAR(all + static_cast<double>(s.refused) / 20, 1, 1e-9) << policy;
  }
}

TEST(Simulation, SpeedsAreThoseOfTheMachine) {
  const Outcome outcome = run(parse_scenario(kQuiet, "quiet").value(), "smallest");
  for (const Served& one : outcome.served) {
    EXPECT_LT(one.speed.value, 23.5) << "the bandwidth allows no more";
    EXPECT_GT(one.speed.value, 12);
    EXPECT_GT(one.latency, one.first_token);
    EXPECT_GT(one.first_token, 0);
  }
}

TEST(Simulation, AModelThatLiesInSwapIsUselesslySlow) {
  Scenario scenario = parse_scenario(kQuiet, "quiet").value();
  scenario.others.front().memory = gigabytes(15);
  const Summary summary = run(scenario, "biggest").summary;
  EXPECT_GT(summary.swap_seconds, 60);
  EXPECT_DOUBLE_EQ(summary.unusable, 1);
}

TEST(Machine, HeatsUpThrottlesAndCoolsDown) {
  const Scenario scenario = parse_scenario(kQuiet, "quiet").value();
  SimMachine machine(find_profile("m1-16gb").value(), scenario, {});
  const double cool = machine.temperature();
  for (int i = 0; i < 1800; ++i) machine.advance(1, 1, gigabytes(4));
  EXPECT_GT(machine.temperature(), 90);
  EXPECT_LT(machine.speed_share(), 1);
  EXPECT_GE(machine.sample(Bytes{0}, {}).thermal_level.value_or(0), 1);
  for (int i = 0; i < 1800; ++i) machine.advance(1, 0, gigabytes(4));
  EXPECT_NEAR(machine.temperature(), cool, 3);
  EXPECT_EQ(machine.speed_share(), 1);
}

TEST(ScenarioFile, SaysWhatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {"minutes = ", "line 1"},
      {"", "models"},
      {"models = [\"phi-3-mini\"]", "minutes is missing"},
      {"models = [\"phi-3-mini\"]\nminutes = 10", "others is missing"},
      {"models = [\"phi-3-mini\"]\nminutes = 10\ncolour = 1\n[[others]]", "'colour' is not known (line 3)"},
      {"models = [\"phi-3-mini\"]\nminutes = 1e9\n[[others]]", "minutes must be a number from"},
      {"models = [\"phi-3-mini\"]\nminutes = 10\n[[others]]\n[[phases]]\nfrom = 5\nto = 5", "to must be after from"},
      {"models = [\"phi-3-mini\"]\nminutes = 10\n[[others]]\n[[phases]]\nto = 5\ndomains = { cooking = 1 }",
       "domains.cooking is not known"},
      {"models = [\"phi-3-mini\"]\nminutes = 10\n[[others]]\n[[phases]]\nto = 5\nprompt_tokens = [5, 4]",
       "prompt_tokens must be [least, most]"},
      {"models = [\"phi-3-mini\"]\nminutes = 10\n[[others]]\nminute = 5\n[[others]]\nminute = 4", "in order of time"},
      {"models = [\"phi-3-mini\"]\nminutes = 10\nothers = 5", "array of tables"},
  };
  for (const auto& [text, reason] : cases) {
    const auto scenario = parse_scenario(text, "x");
    ASSERT_FALSE(scenario) << text;
    EXPECT_THAT(scenario.error().message, HasSubstr(reason));
  }
}

TEST(ScenarioFile, OthersChangeEvenlyInBetween) {
  Scenario scenario;
  scenario.others = {{.minute = 10, .memory = gigabytes(4), .heat = 0}, {.minute = 20, .memory = gigabytes(8), .heat = 0.5}};
  EXPECT_EQ(scenario.others_at(0).memory, gigabytes(4));
  EXPECT_EQ(scenario.others_at(15).memory, gigabytes(6));
  EXPECT_DOUBLE_EQ(scenario.others_at(15).heat, 0.25);
  EXPECT_EQ(scenario.others_at(99).memory, gigabytes(8));
}

TEST(ScenarioFile, UnknownNamesListTheKnownOnes) {
  EXPECT_THAT(shipped_scenario("moon").error().advice, HasSubstr("oscillation"));
  EXPECT_EQ(make_policy("x", {}, {}).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace pensieve::sim
