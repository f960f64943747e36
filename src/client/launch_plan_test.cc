#include "client/launch_plan.h"

#include <gmock/gmock.h>

#include <glaze/glaze.hpp>

namespace pensieve {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

const LaunchTarget kTarget{.url = "http://127.0.0.1:8484", .key = "k\"1", .context_tokens = 16'384};

TEST(LaunchPlan, TellsClaudeCodeTheServerAndTheTrueWindow) {
  const LaunchPlan plan = plan_launch("claude", kTarget).value();
  EXPECT_EQ(plan.program, "claude");
  EXPECT_THAT(plan.environment, Contains(Pair("ANTHROPIC_BASE_URL", "http://127.0.0.1:8484")));
  EXPECT_THAT(plan.environment, Contains(Pair("ANTHROPIC_AUTH_TOKEN", "k\"1")));
  EXPECT_THAT(plan.environment, Contains(Pair("CLAUDE_CODE_AUTO_COMPACT_WINDOW", "16384")));
  EXPECT_THAT(plan.environment, Contains(Pair("CLAUDE_CODE_MAX_OUTPUT_TOKENS", "4096")));
}

TEST(LaunchPlan, GivesCodexAProviderThatSpeaksResponses) {
  const LaunchPlan plan = plan_launch("codex", kTarget).value();
  EXPECT_THAT(plan.arguments, Contains(R"(model_providers.pensieve.base_url="http://127.0.0.1:8484/v1")"));
  EXPECT_THAT(plan.arguments, Contains(R"(model_providers.pensieve.wire_api="responses")"));
  EXPECT_THAT(plan.arguments, Contains("model_context_window=16384"));
  EXPECT_THAT(plan.environment, Contains(Pair("PENSIEVE_API_KEY", "k\"1")));
}

TEST(LaunchPlan, GivesOpencodeAConfigurationInJson) {
  const LaunchPlan plan = plan_launch("opencode", kTarget).value();
  const auto json = glz::read_json<glz::generic>(plan.environment.at("OPENCODE_CONFIG_CONTENT"));
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["model"].get_string(), "pensieve/auto");
  EXPECT_EQ((*json)["provider"]["pensieve"]["options"]["apiKey"].get_string(), "k\"1");
  EXPECT_EQ((*json)["provider"]["pensieve"]["models"]["auto:fast"]["limit"]["context"].get<double>(), 16'384);
}

TEST(LaunchPlan, NamesWhatItKnows) { EXPECT_THAT(plan_launch("emacs", kTarget).error().text(), HasSubstr("claude, codex or opencode")); }

}  // namespace
}  // namespace pensieve
