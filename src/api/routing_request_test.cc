#include "api/routing_request.h"

#include <gtest/gtest.h>

#include <format>
#include <fstream>
#include <map>
#include <string>

#include "selector/assess.h"

namespace pensieve::api {
namespace {

GenerationRequest parsed(std::string_view text) {
  const Result<Json> body = parse_body(text);
  EXPECT_TRUE(body);
  return routing_request(*body);
}

TEST(RoutingRequest, ReadsAnthropicMessages) {
  const GenerationRequest request = parsed(R"({"model":"claude-sonnet-4-5","max_tokens":100,
    "system":[{"type":"text","text":"You are Claude Code."},{"type":"text","text":"Be brief."}],
    "tools":[{"name":"Bash","description":"Runs","input_schema":{"type":"object"}}],
    "messages":[{"role":"user","content":[{"type":"text","text":"fix it"}]},
                {"role":"assistant","content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"ls"}}]},
                {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"a b"}],"is_error":true}]}]})");
  ASSERT_EQ(request.messages.size(), 4U);
  EXPECT_EQ(request.messages[0].text, "You are Claude Code.\nBe brief.");
  EXPECT_EQ(request.messages[2].tool_calls.at(0).name, "Bash");
  EXPECT_EQ(request.messages[3].role, Role::kTool);
  EXPECT_TRUE(request.messages[3].tool_failed);
  EXPECT_EQ(request.tools.at(0).name, "Bash");
  EXPECT_EQ(request.max_tokens, 100);
}

TEST(RoutingRequest, ReadsOpenAiChatAndResponses) {
  const GenerationRequest chat = parsed(
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"what is this?"},{"type":"image_url","image_url":{"url":"data:"}}]},
    {"role":"tool","tool_call_id":"x","content":"done"}],"response_format":{"type":"json_schema"}})");
  EXPECT_EQ(chat.model, "auto");
  EXPECT_EQ(chat.messages.at(0).images.size(), 1U);
  EXPECT_EQ(chat.messages.at(1).role, Role::kTool);
  EXPECT_EQ(chat.output_format, OutputFormat::kJsonObject);
  const GenerationRequest responses =
      parsed(R"({"instructions":"Be kind.","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]},
    {"type":"function_call","name":"shell","arguments":"{}"},{"type":"function_call_output","output":"ok"}]})");
  ASSERT_EQ(responses.messages.size(), 4U);
  EXPECT_EQ(responses.messages[3].role, Role::kTool);
}

TEST(RoutingRequest, ReadsOllama) {
  EXPECT_EQ(parsed(R"({"model":"x","prompt":"hello","images":["aa"]})").messages.at(0).text, "hello");
  EXPECT_EQ(parsed(R"({"model":"x","messages":[{"role":"user","content":"see","images":["aa"]}]})").messages.at(0).images.size(), 1U);
}

TEST(RoutingRequest, AcceptsWhatIsWrong) {
  EXPECT_EQ(parsed(R"({"messages":[{"role":3,"content":null},5,null,{"content":[1,null,{}]}],"tools":7,"input":{},"max_tokens":"x"})")
                .messages.size(),
            4U);
  EXPECT_TRUE(parsed("{}").messages.empty());
}

// tests/routing/agent_cases.jsonl: requests as real clients send them, with the intended class.
TEST(RoutingRequest, AgentsAndChatsGetTheirIntendedClass) {
  std::ifstream file("tests/routing/agent_cases.jsonl");
  selector::Assessor assessor(selector::RoutingWeights::embedded());
  int cases = 0;
  int right = 0;
  int too_low = 0;
  std::string wrong;
  for (std::string line; std::getline(file, line);) {
    const Result<Json> body = parse_body(line);
    ASSERT_TRUE(body) << line.substr(0, 80);
    const auto& fields = body->get_object();
    const std::string& intended = fields.at("class").get_string();
    const selector::Assessment assessment = assessor.assess(routing_request(*body));
    const std::string_view given = to_string(assessment.task_class);
    ++cases;
    if (given == intended)
      ++right;
    else
      wrong += std::format("{} for {}: {} {}\n", given, intended, fields.at("id").get_string(), fields.at("note").get_string());
    if (intended == "complex" && given == "simple") ++too_low;
  }
  EXPECT_GE(cases, 150);
  EXPECT_GE(right * 100, cases * 88) << wrong;
  EXPECT_EQ(too_low, 0) << wrong;
}

}  // namespace
}  // namespace pensieve::api
