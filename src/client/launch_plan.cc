#include "client/launch_plan.h"

#include <algorithm>
#include <format>
#include <glaze/glaze.hpp>

namespace pensieve {
namespace {

// The longest answer that an agent may ask for: a quarter of the window, since the rest has to hold the
// conversation.
std::int64_t output_tokens(std::int64_t context) { return std::clamp<std::int64_t>(context / 4, 1024, 32'000); }

// A JSON string, which is a TOML string too.
std::string quoted(const std::string& text) { return glz::write_json(text).value_or("\"\""); }

// The agent takes its own models' window for granted; told the true one, it compacts in time. Its
// aliases (sonnet, opus, haiku) are aliases of the server too, so they are only replaced by a wish.
LaunchPlan for_claude(const LaunchTarget& target) {
  LaunchPlan plan{.program = "claude", .how_to_install = "npm install -g @anthropic-ai/claude-code"};
  plan.environment = {{"ANTHROPIC_BASE_URL", target.url},
                      {"ANTHROPIC_AUTH_TOKEN", target.key},
                      {"ANTHROPIC_API_KEY", ""},
                      {"ANTHROPIC_MODEL", target.model},
                      {"ANTHROPIC_DEFAULT_HAIKU_MODEL", target.side_model},
                      {"CLAUDE_CODE_AUTO_COMPACT_WINDOW", std::to_string(target.context_tokens)},
                      {"CLAUDE_CODE_MAX_OUTPUT_TOKENS", std::to_string(output_tokens(target.context_tokens))},
                      // A line that changes with each request would have the whole prompt read again.
                      {"CLAUDE_CODE_ATTRIBUTION_HEADER", "0"},
                      {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"},
                      {"API_TIMEOUT_MS", "3600000"}};
  return plan;
}

LaunchPlan for_codex(const LaunchTarget& target) {
  LaunchPlan plan{.program = "codex", .how_to_install = "npm install -g @openai/codex"};
  const auto set = [&plan](const std::string& key, const std::string& value) {
    plan.arguments.emplace_back("-c");
    plan.arguments.push_back(std::format("{}={}", key, value));
  };
  set("model_provider", R"("pensieve")");
  set("model_providers.pensieve.name", R"("Pensieve")");
  set("model_providers.pensieve.base_url", quoted(target.url + "/v1"));
  set("model_providers.pensieve.env_key", R"("PENSIEVE_API_KEY")");
  set("model_providers.pensieve.wire_api", R"("responses")");
  set("model_providers.pensieve.stream_idle_timeout_ms", "3600000");
  set("model", quoted(target.model));
  set("model_context_window", std::to_string(target.context_tokens));
  plan.environment = {{"PENSIEVE_API_KEY", target.key}};
  return plan;
}

LaunchPlan for_opencode(const LaunchTarget& target) {
  LaunchPlan plan{.program = "opencode", .how_to_install = "npm install -g opencode-ai"};
  const std::string limit = std::format(R"({{"context":{},"output":{}}})", target.context_tokens, output_tokens(target.context_tokens));
  const auto entry = [&limit](const std::string& model) { return std::format(R"({}:{{"limit":{}}})", quoted(model), limit); };
  std::string models = entry(target.model);
  if (target.side_model != target.model) models += "," + entry(target.side_model);
  plan.environment = {
      {"OPENCODE_CONFIG_CONTENT",
       std::format(R"({{"provider":{{"pensieve":{{"npm":"@ai-sdk/openai-compatible","name":"Pensieve","options":{{"baseURL":{},)"
                   R"("apiKey":{}}},"models":{{{}}}}}}},"model":{},"small_model":{}}})",
                   quoted(target.url + "/v1"), quoted(target.key), models, quoted("pensieve/" + target.model),
                   quoted("pensieve/" + target.side_model))}};
  return plan;
}

}  // namespace

Result<LaunchPlan> plan_launch(std::string_view tool, const LaunchTarget& target) {
  if (tool == "claude") return for_claude(target);
  if (tool == "codex") return for_codex(target);
  if (tool == "opencode") return for_opencode(target);
  return fail(ErrorCode::kInvalidArgument, std::format("'{}' can't be launched", tool),
              "use claude, codex or opencode; docs/clients has the settings of others");
}

}  // namespace pensieve
