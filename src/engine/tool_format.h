// The forms in which models write tool calls, as data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace pensieve::engine {

// The calls of an answer: `begin`, `open`, then call after call with `separator` between them, then
// `end`. A call: `call_begin`, its body, `call_end`. Texts may be empty.
struct ToolFormat {
  enum class Shape : std::uint8_t {
    kJson,      // {"name": ..., "arguments": {...}}
    kNamed,     // the name, `name_end`, the arguments as a JSON object
    kPythonic,  // name(argument=value, ...)
  };

  std::string_view name;
  Shape shape = Shape::kJson;
  // What a chat template that wants this form has in its source, all of it. The first format of the
  // table that a template fits is its own.
  std::vector<std::string_view> signs;
  std::string_view begin;
  // The answer may begin with a call, without `begin`.
  bool bare = false;
  std::string_view open = {};
  std::string_view call_begin = {};
  std::string_view name_end = {};
  std::string_view call_end = {};
  std::string_view separator = {};
  std::string_view end = {};
  std::string_view arguments_key = "arguments";
  // Length of call ids that the template insists on; 0: any.
  std::size_t id_length = 0;
};

std::span<const ToolFormat> tool_formats();

// The format of a template that renders tools.
const ToolFormat& tool_format_of(std::string_view template_source);

// The form that message_shape.h explains to models whose template renders no tools.
const ToolFormat& built_in_tool_format();

// Texts around what a model thinks before it answers.
struct ReasoningMarks {
  std::string_view begin;
  std::string_view end;
};

// Marks that the template knows; empty texts: none.
ReasoningMarks reasoning_marks_of(std::string_view template_source);

}  // namespace pensieve::engine
