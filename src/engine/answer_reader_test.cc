#include "engine/answer_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace pensieve::engine {
namespace {

struct ReadCall {
  std::string name;
  std::string arguments;
  bool whole = false;
  bool operator==(const ReadCall&) const = default;
};
void PrintTo(const ReadCall& call, std::ostream* out) { *out << call.name << ' ' << call.arguments << (call.whole ? "" : " (cut)"); }

struct ReadAnswer {
  std::string text;
  std::string reasoning;
  std::vector<ReadCall> calls;
  bool operator==(const ReadAnswer&) const = default;
};

void add(ReadAnswer& answer, const std::vector<AnswerPiece>& pieces) {
  using Kind = AnswerPiece::Kind;
  for (const AnswerPiece& piece : pieces) {
    if (piece.kind == Kind::kText) answer.text += piece.bytes;
    if (piece.kind == Kind::kReasoning) answer.reasoning += piece.bytes;
    if (piece.kind == Kind::kCallName) answer.calls.push_back({piece.bytes, "", false});
    if (piece.kind == Kind::kCallArguments) answer.calls.back().arguments += piece.bytes;
    if (piece.kind == Kind::kCallEnd) answer.calls.back().whole = true;
  }
}

ReadAnswer read_in_pieces(const ReadingPlan& plan, const std::string& text, const std::vector<std::size_t>& cuts) {
  AnswerReader reader(plan);
  ReadAnswer answer;
  std::size_t from = 0;
  for (const std::size_t cut : cuts) {
    add(answer, reader.push(text.substr(from, cut - from)));
    from = cut;
  }
  add(answer, reader.push(text.substr(from)));
  add(answer, reader.finish());
  return answer;
}

// The same however it is cut: whole, byte by byte, and once at each byte.
ReadAnswer read_all_ways(const ReadingPlan& plan, const std::string& text) {
  const ReadAnswer whole = read_in_pieces(plan, text, {});
  std::vector<std::size_t> each;
  for (std::size_t i = 1; i < text.size(); ++i) {
    each.push_back(i);
    EXPECT_EQ(read_in_pieces(plan, text, {i}), whole) << "cut at " << i << " of " << text;
  }
  EXPECT_EQ(read_in_pieces(plan, text, each), whole) << text;
  return whole;
}

ReadingPlan plan_of(std::string_view format) {
  ReadingPlan plan;
  plan.tools = &*std::ranges::find(tool_formats(), format, &ToolFormat::name);
  plan.tool_names = {"get_weather", "get_time"};
  return plan;
}

struct Recorded {
  std::string format;
  std::string answer;
  std::string text;
  std::vector<ReadCall> calls;
};

class RecordedAnswers : public testing::TestWithParam<Recorded> {};

TEST_P(RecordedAnswers, AreReadHoweverTheyAreCut) {
  const ReadAnswer answer = read_all_ways(plan_of(GetParam().format), GetParam().answer);
  EXPECT_EQ(answer.text, GetParam().text);
  EXPECT_THAT(answer.calls, testing::ElementsAreArray(GetParam().calls));
}

const std::vector<ReadCall> kBoth{{"get_weather", R"({"city": "Köln"})", true}, {"get_time", "{}", true}};

INSTANTIATE_TEST_SUITE_P(
    Formats, RecordedAnswers,
    testing::Values(
        Recorded{"hermes",
                 "Let me look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call>\n<tool_call>\n"
                 "{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>",
                 "Let me look.", kBoth},
        Recorded{"hermes", "<tool_call>{\"arguments\": {\"city\": \"Köln\"}, \"name\": \"get_weather\"}</tool_call>", "",
                 {{"get_weather", R"({"city": "Köln"})", true}}},
        Recorded{"hermes", "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"a}\\\"{\"}}", "", {{"get_weather", R"({"city": "a}\"{"})", true}}},
        Recorded{"hermes", "<tool_call>\n{\"name\": \"get_time\"}\n</tool_call>", "", {{"get_time", "{}", true}}},
        Recorded{"hermes", "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Kö", "", {{"get_weather", "{\"city\": \"Kö", false}}},
        Recorded{"mistral",
                 "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}, \"id\": \"abcdef123\"}, {\"name\": "
                 "\"get_time\", \"arguments\": {}}]",
                 "", kBoth},
        Recorded{"mistral-args", "[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Köln\"}[TOOL_CALLS]get_time[ARGS]{}", "", kBoth},
        Recorded{"llama-3", "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Köln\"}}; {\"name\": \"get_time\", \"parameters\": {}}",
                 "", kBoth},
        Recorded{"llama-3", "<|python_tag|>{\"name\": \"get_time\", \"parameters\": {}}", "", {{"get_time", "{}", true}}},
        Recorded{"pythonic", "[get_weather(city=\"Köln\"), get_time()]", "", kBoth},
        Recorded{"pythonic", "[get_weather(city='it\\'s \"x\"', on=True, n=-1.5, tags=['a', None])]", "",
                 {{"get_weather", R"({"city": "it's \"x\"", "on": true, "n": -1.5, "tags": ["a", null]})", true}}},
        Recorded{"deepseek",
                 "Sure.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Köln\"}\n```"
                 "<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_time\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
                 "Sure.", kBoth},
        Recorded{"deepseek-3.1",
                 "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Köln\"}<｜tool▁call▁end｜>"
                 "<｜tool▁call▁begin｜>get_time<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
                 "", kBoth},
        Recorded{"phi", "<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}, {\"name\": \"get_time\", \"arguments\": {}}]<|/tool_call|>",
                 "", kBoth},
        Recorded{"phi-functools", "functools[{\"name\": \"get_time\", \"arguments\": {}}]", "", {{"get_time", "{}", true}}},
        Recorded{"gemma", "```tool_code\nget_weather(city=\"Köln\")\n```", "", {{"get_weather", R"({"city": "Köln"})", true}}},
        Recorded{"generic", "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n{\"name\": \"get_time\", \"arguments\": {}}", "", kBoth},
        // What only looks like a call is text, to the last byte.
        Recorded{"hermes", "a < b <tool> \n", "a < b <tool> \n", {}},
        Recorded{"hermes", " {\"name\": \"get_weather_later\"}", " {\"name\": \"get_weather_later\"}", {}},
        Recorded{"llama-3", "{\"name\": \"Bob\", \"age\": 3}", "{\"name\": \"Bob\", \"age\": 3}", {}},
        Recorded{"generic", "", "", {}}));

TEST(AnswerReader, TellsReasoningFromTheAnswer) {
  ReadingPlan plan = plan_of("hermes");
  plan.reasoning = {"<think>", "</think>"};
  plan.may_reason = true;
  const ReadAnswer answer = read_all_ways(plan, "<think>\nHm </thin.</think>\n\nYes.<tool_call>{\"name\": \"get_time\", \"arguments\": {}}");
  EXPECT_EQ(answer.reasoning, "\nHm </thin.");
  EXPECT_EQ(answer.text, "Yes.");
  EXPECT_EQ(answer.calls.size(), 1U);
  EXPECT_EQ(read_all_ways(plan, "No <think>ing</think>").text, "No <think>ing</think>");
}

TEST(AnswerReader, BeginsWithinReasoningWhereThePromptDoes) {
  ReadingPlan plan;
  plan.reasoning = {"<think>", "</think>"};
  plan.reasoning_open = true;
  const ReadAnswer answer = read_all_ways(plan, "So.</think> Yes");
  EXPECT_EQ(answer.reasoning, "So.");
  EXPECT_EQ(answer.text, "Yes");
  EXPECT_EQ(read_all_ways(plan, "never ends").reasoning, "never ends");
}

TEST(ToolFormats, AreKnownByWhatTheTemplateWrites) {
  EXPECT_EQ(tool_format_of("... [TOOL_CALLS] ...").name, "mistral");
  EXPECT_EQ(tool_format_of("... [TOOL_CALLS] name [ARGS] ...").name, "mistral-args");
  EXPECT_EQ(tool_format_of("<tool_call></tool_call>").name, "hermes");
  EXPECT_EQ(tool_format_of("{\"name\": function name, \"parameters\": dictionary}").name, "llama-3");
  EXPECT_EQ(tool_format_of("anything").name, "generic");
}

}  // namespace
}  // namespace pensieve::engine
