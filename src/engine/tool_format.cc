#include "engine/tool_format.h"

#include <algorithm>

namespace pensieve::engine {

std::span<const ToolFormat> tool_formats() {
  using Shape = ToolFormat::Shape;
  static const std::vector<ToolFormat> kFormats{
      {.name = "deepseek",
       .shape = Shape::kNamed,
       .signs = {"<｜tool▁calls▁begin｜>", "```json"},
       .begin = "<｜tool▁calls▁begin｜>",
       .call_begin = "<｜tool▁call▁begin｜>function<｜tool▁sep｜>",
       .name_end = "\n```json\n",
       .call_end = "\n```<｜tool▁call▁end｜>",
       .separator = "\n",
       .end = "<｜tool▁calls▁end｜>"},
      {.name = "deepseek-3.1",
       .shape = Shape::kNamed,
       .signs = {"<｜tool▁calls▁begin｜>"},
       .begin = "<｜tool▁calls▁begin｜>",
       .call_begin = "<｜tool▁call▁begin｜>",
       .name_end = "<｜tool▁sep｜>",
       .call_end = "<｜tool▁call▁end｜>",
       .end = "<｜tool▁calls▁end｜>"},
      {.name = "mistral-args",
       .shape = Shape::kNamed,
       .signs = {"[TOOL_CALLS]", "[ARGS]"},
       .begin = "[TOOL_CALLS]",
       .name_end = "[ARGS]",
       .separator = "[TOOL_CALLS]",
       .id_length = 9},
      {.name = "mistral",
       .shape = Shape::kJson,
       .signs = {"[TOOL_CALLS]"},
       .begin = "[TOOL_CALLS]",
       .open = "[",
       .separator = ", ",
       .end = "]",
       .id_length = 9},
      {.name = "phi",
       .shape = Shape::kJson,
       .signs = {"<|tool_call|>"},
       .begin = "<|tool_call|>",
       .open = "[",
       .separator = ", ",
       .end = "]<|/tool_call|>"},
      {.name = "phi-functools", .shape = Shape::kJson, .signs = {"functools["}, .begin = "functools", .open = "[", .separator = ", ", .end = "]"},
      {.name = "hermes",
       .shape = Shape::kJson,
       .signs = {"<tool_call>"},
       .begin = "<tool_call>",
       .call_begin = "\n",
       .call_end = "\n</tool_call>",
       .separator = "\n<tool_call>"},
      {.name = "gemma",
       .shape = Shape::kPythonic,
       .signs = {"tool_code"},
       .begin = "```tool_code",
       .call_begin = "\n",
       .end = "\n```"},
      {.name = "pythonic",
       .shape = Shape::kPythonic,
       .signs = {"[func_name1("},
       .begin = "<|python_start|>",
       .bare = true,
       .open = "[",
       .separator = ", ",
       .end = "]"},
      {.name = "llama-3",
       .shape = Shape::kJson,
       .signs = {"\"parameters\": "},
       .begin = "<|python_tag|>",
       .bare = true,
       .separator = "; ",
       .arguments_key = "parameters"},
      {.name = "generic", .shape = Shape::kJson, .signs = {}, .begin = "", .bare = true, .separator = "\n"},
  };
  return kFormats;
}

const ToolFormat& tool_format_of(std::string_view template_source) {
  const auto formats = tool_formats();
  return *std::ranges::find_if(formats, [&](const ToolFormat& format) {
    return std::ranges::all_of(format.signs, [&](std::string_view sign) { return template_source.contains(sign); });
  });
}

const ToolFormat& built_in_tool_format() { return *std::ranges::find(tool_formats(), "hermes", &ToolFormat::name); }

ReasoningMarks reasoning_marks_of(std::string_view template_source) {
  constexpr ReasoningMarks kKnown[] = {{"<think>", "</think>"}, {"[THINK]", "[/THINK]"}};
  for (const ReasoningMarks& marks : kKnown) {
    if (template_source.contains(marks.end)) return marks;
  }
  return {};
}

}  // namespace pensieve::engine
