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

Result<void> choose_mode(const Fields& fields, std::string_view name, const std::string& mode, GenerationRequest& request) {
  if (mode == "required")
    request.tool_choice = ToolChoice::kRequired;
  else if (mode == "none")
    request.tool_choice = ToolChoice::kNone;
  else if (mode != "auto")
    return fields.wrong(name, "must be auto, none, required or a function");
  return {};
}

Result<std::string> named_function(const Fields& fields, const GenerationRequest& request) {
  std::string name = TRY(fields.required_text("name"));
  if (std::ranges::find(request.tools, name, &ToolDefinition::name) == request.tools.end()) {
    return fields.wrong("name", std::format("there is no tool '{}'", name));
  }
  return name;
}

// The tools that the model may choose from; the others are left out of the prompt too. Those that a vendor's
// servers run can't be chosen anyway.
Result<void> allow_tools(const Fields& choice, GenerationRequest& request) {
  TRY_VOID(choose_mode(choice, "mode", TRY(choice.required_text("mode")), request));
  const Json::array_t* entries = TRY(choice.array("tools"));
  if (entries == nullptr) return choice.wrong("tools", "is required");
  std::vector<std::string> names;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const Fields entry = TRY(Fields::of((*entries)[i], std::format("{}[{}]", choice.path("tools"), i)));
    if (TRY(entry.required_text("type")) == "function") names.push_back(TRY(named_function(entry, request)));
  }
  std::erase_if(request.tools, [&](const ToolDefinition& tool) { return !std::ranges::contains(names, tool.name); });
  return {};
}

Result<void> parse_choice(const Fields& body, GenerationRequest& request) {
  const Json* choice = body.find("tool_choice");
  if (choice == nullptr) return {};
  if (choice->is_string()) {
    TRY_VOID(choose_mode(body, "tool_choice", choice->get_string(), request));
  } else {
    const Fields fields = TRY(Fields::of(*choice, "tool_choice"));
    const std::string type = TRY(fields.required_text("type"));
    if (type == "allowed_tools") {
      TRY_VOID(allow_tools(fields, request));
    } else if (type == "function") {
      request.tool_choice = ToolChoice::kNamed;
      request.tool_choice_name = TRY(named_function(fields, request));
    } else {
      return openai::unsupported("tool_choice.type", "only 'function' and 'allowed_tools' are supported", "name a function, or use auto");
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
