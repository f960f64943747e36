#include "engine/tool_grammar.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/call_reader.h"
#include "grammar/fake_matcher.h"
#include "grammar/gbnf_check.h"

namespace pensieve::engine {
namespace {

const ToolFormat& format(std::string_view name) { return *std::ranges::find(tool_formats(), name, &ToolFormat::name); }

const std::vector<ToolDefinition> kTools{
    {"get_weather", "", R"({"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city"]})"},
    {"now", "", "{}"}};

std::string gbnf(std::string_view name, const ToolGrammarOptions& options = {}) {
  grammar::Rules rules;
  const std::string text = rules.text(tool_calls_symbol(rules, format(name), kTools, options));
  const auto facts = grammar::check_grammar(text, "");
  EXPECT_TRUE(facts) << (facts ? "" : facts.error().text()) << text;
  return text;
}

void expect(std::string_view name, const std::vector<std::string>& valid, const std::vector<std::string>& invalid) {
  grammar::FakeMatcher matcher(gbnf(name));
  for (const std::string& text : valid) EXPECT_TRUE(matcher.accepts(text)) << name << ": " << text;
  for (const std::string& text : invalid) EXPECT_FALSE(matcher.accepts(text)) << name << ": " << text;
}

TEST(ToolGrammar, HoldsNameAndArgumentsInEachForm) {
  expect("hermes",
         {"<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call>",
          "<tool_call>{\"name\": \"now\", \"arguments\": {}}</tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>"},
         {"<tool_call>\n{\"name\": \"other\", \"arguments\": {}}\n</tool_call>", "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {}}\n</tool_call>",
          "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"x\": 1}}\n</tool_call>"});
  expect("mistral", {"[TOOL_CALLS] [{\"name\": \"now\", \"arguments\": {}, \"id\": \"abcDEF123\"}]", "[TOOL_CALLS][{\"name\": \"now\", \"arguments\": {}}]"},
         {"[TOOL_CALLS][]"});
  expect("mistral-args", {"[TOOL_CALLS]now[ARGS]{}"}, {"[TOOL_CALLS]now{}"});
  expect("llama-3", {"<|python_tag|>{\"name\": \"now\", \"parameters\": {}}"}, {"{\"name\": \"now\", \"arguments\": {}}"});
  expect("pythonic", {"<|python_start|>[get_weather(city=\"x\", days=3), now()]"}, {"<|python_start|>[get_weather(days=3)]", "<|python_start|>[]"});
  expect("deepseek",
         {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"},
         {"<｜tool▁calls▁begin｜><｜tool▁calls▁end｜>"});
  expect("phi", {"<|tool_call|>[{\"name\": \"now\", \"arguments\": {}}]<|/tool_call|>"}, {"<|tool_call|>[]<|/tool_call|>"});
  expect("gemma", {"```tool_code\nnow()\n```"}, {"```tool_code\nprint()\n```"});
}

TEST(ToolGrammar, AllowsOneCallWhereOnlyOneIsWanted) {
  grammar::FakeMatcher matcher(gbnf("generic", {.parallel = false}));
  EXPECT_TRUE(matcher.accepts("{\"name\": \"now\", \"arguments\": {}}"));
  EXPECT_FALSE(matcher.accepts("{\"name\": \"now\", \"arguments\": {}}\n{\"name\": \"now\", \"arguments\": {}}"));
}

TEST(ToolGrammar, TakesSchemasThatItCanNotHoldAsAnyObject) {
  for (const char* schema : {"", "[]", R"({"$ref":"#/nowhere"})", R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})",
                             R"({"type":"array","uniqueItems":true})"}) {
    grammar::Rules rules;
    const std::string text = rules.text(tool_calls_symbol(rules, format("hermes"), {{"odd", "", schema}}, {}));
    EXPECT_TRUE(grammar::check_grammar(text, "")) << schema;
  }
}

}  // namespace
}  // namespace pensieve::engine
