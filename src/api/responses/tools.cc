// `tools`, `tool_choice` and `text`.
#include <algorithm>
#include <format>

#include "api/openai/common_fields.h"
#include "api/responses/request.h"

namespace pensieve::api::responses {
namespace {

constexpr int kNesting = 4;  // of namespaces

// Function tools, also those within namespaces. Tools that a vendor's servers run are left out.
Result<void> add_tools(const Fields& holder, const std::string& space, int depth, ParsedRequest& parsed) {
  const Json::array_t* tools = TRY(holder.array("tools"));
  for (std::size_t i = 0; tools != nullptr && i < tools->size(); ++i) {
    const Fields tool = TRY(Fields::of((*tools)[i], std::format("{}[{}]", holder.path("tools"), i)));
    const std::string type = TRY(tool.required_text("type"));
    if (type == "namespace" && depth < kNesting) {
      TRY_VOID(add_tools(tool, TRY(tool.required_text("name")), depth + 1, parsed));
    }
    if (type != "function") continue;
    const Json* schema = tool.find("parameters");
    if (schema != nullptr && !schema->is_object()) return tool.wrong("parameters", "must be an object");
    std::string name = TRY(tool.required_text("name"));
    if (name.empty()) return tool.wrong("name", "must not be empty");
    if (!space.empty()) parsed.namespaces[name] = space;
    parsed.generation.tools.push_back({std::move(name), TRY(tool.text("description")).value_or(""),
                                       schema ? to_json_text(*schema) : R"({"type":"object","properties":{}})"});
  }
  return {};
}

Result<void> parse_choice(const Fields& body, GenerationRequest& request) {
  const Json* choice = body.find("tool_choice");
  if (choice == nullptr) return {};
  if (choice->is_string()) {
    const std::string& mode = choice->get_string();
    if (mode == "required")
      request.tool_choice = ToolChoice::kRequired;
    else if (mode == "none")
      request.tool_choice = ToolChoice::kNone;
    else if (mode != "auto")
      return body.wrong("tool_choice", "must be auto, none, required or a function");
  } else {
    const Fields fields = TRY(Fields::of(*choice, "tool_choice"));
    if (TRY(fields.required_text("type")) != "function") {
      return openai::unsupported("tool_choice.type", "only 'function' is supported", "name a function, or use auto");
    }
    request.tool_choice = ToolChoice::kNamed;
    request.tool_choice_name = TRY(fields.required_text("name"));
    if (std::ranges::find(request.tools, request.tool_choice_name, &ToolDefinition::name) == request.tools.end()) {
      return fields.wrong("name", std::format("there is no tool '{}'", request.tool_choice_name));
    }
  }
  if (request.tool_choice == ToolChoice::kRequired && request.tools.empty()) {
    return body.wrong("tool_choice", "may only be given with tools");
  }
  return {};
}

}  // namespace

Result<void> parse_tools(const Fields& body, ParsedRequest& parsed) {
  TRY_VOID(add_tools(body, "", 0, parsed));
  if (const Json* tools = body.find("tools")) parsed.echoed.tools = to_json_text(*tools);
  parsed.generation.parallel_tool_calls = TRY(body.boolean("parallel_tool_calls")).value_or(true);
  TRY_VOID(parse_choice(body, parsed.generation));
  if (const Json* choice = body.find("tool_choice")) parsed.echoed.tool_choice = to_json_text(*choice);
  return {};
}

Result<void> parse_format(const Fields& body, ParsedRequest& parsed) {
  const Json* text = body.find("text");
  if (text == nullptr) return {};
  const Fields fields = TRY(Fields::of(*text, "text"));
  const std::string verbosity = TRY(fields.text("verbosity")).value_or("medium");
  const Json* format = fields.find("format");
  std::string shown = R"({"type":"text"})";
  if (format != nullptr) {
    const Fields details = TRY(Fields::of(*format, "text.format"));
    const std::string type = TRY(details.required_text("type"));
    if (type == "json_object") {
      parsed.generation.output_format = OutputFormat::kJsonObject;
    } else if (type == "json_schema") {
      const Json* schema = details.find("schema");
      if (schema == nullptr || !schema->is_object()) return details.wrong("schema", "must be an object");
      parsed.generation.output_format = OutputFormat::kJsonSchema;
      parsed.generation.output_schema = to_json_text(*schema);
    } else if (type != "text") {
      return details.wrong("type", "must be text, json_object or json_schema");
    }
    shown = to_json_text(*format);
  }
  parsed.echoed.text = std::format(R"({{"format":{},"verbosity":{}}})", shown, json_string(verbosity));
  return {};
}

}  // namespace pensieve::api::responses
