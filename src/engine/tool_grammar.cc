#include "engine/tool_grammar.h"

#include <format>
#include <nlohmann/json.hpp>

#include "grammar/json_schema.h"
#include "grammar/gbnf_check.h"

namespace pensieve::engine {
namespace {

using grammar::literal;
using grammar::Literals;
using grammar::Rules;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMostCalls = 16;

// The schema as an object's: tools take named arguments, whatever the schema leaves open.
std::string object_schema(const std::string& schema) {
  Json parsed = Json::parse(schema, nullptr, false);
  if (!parsed.is_object()) return R"({"type":"object","properties":{}})";
  if (!parsed.contains("type") && !parsed.contains("$ref") && !parsed.contains("anyOf") && !parsed.contains("allOf")) parsed["type"] = "object";
  // Without members named there is nothing to give, unless the schema asks for more.
  const bool open = parsed.contains("additionalProperties") || parsed.contains("patternProperties") || parsed.contains("required");
  const bool named = parsed.contains("properties") && !parsed["properties"].empty();
  if (parsed.value("type", Json()) == "object" && !named && !open) parsed["additionalProperties"] = false;
  return parsed.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string arguments_symbol(Rules& rules, const ToolDefinition& tool) {
  const grammar::SchemaOptions lenient{.strict = false};
  // A schema that can't be used at all, or that never ends, becomes any object.
  const std::string schema = object_schema(tool.parameters_schema);
  const auto alone = grammar::schema_grammar(schema, lenient);
  if (!alone || !grammar::check_grammar(*alone, "")) return grammar::any_object(rules, Literals::kJson);
  return grammar::compile_schema(rules, schema, lenient).value_or(grammar::any_object(rules, Literals::kJson));
}

bool is_identifier(std::string_view key) {
  return !key.empty() && key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

// argument=value, ... in the order of the schema's properties.
std::string keyword_arguments(Rules& rules, const ToolDefinition& tool) {
  const grammar::SchemaOptions lenient{.strict = false, .literals = Literals::kPython};
  const Json schema = Json::parse(tool.parameters_schema, nullptr, false);
  if (!schema.is_object() || !schema.contains("properties") || !schema["properties"].is_object()) return "\"\"";
  const Json required = schema.value("required", Json::array());
  std::string after = "\"\"";
  std::string before = "\"\"";
  const Json& properties = schema["properties"];
  for (auto member = properties.rbegin(); member != properties.rend(); ++member) {
    Json own = *member;
    for (const char* shared : {"$defs", "definitions"}) {
      if (own.is_object() && schema.contains(shared)) own[shared] = schema[shared];
    }
    const std::string text = own.dump(-1, ' ', false, Json::error_handler_t::replace);
    const auto alone = grammar::schema_grammar(text, lenient);
    const bool usable = alone && grammar::check_grammar(*alone, "");
    const std::string any = grammar::any_value(rules, Literals::kPython);
    const std::string value = usable ? grammar::compile_schema(rules, text, lenient).value_or(any) : any;
    const std::string key = is_identifier(member.key()) ? member.key() : Json(member.key()).dump();
    const std::string pair = rules.add("argument", std::format("{} {}", literal(key + "="), value));
    const bool needed = std::ranges::find(required, Json(member.key())) != required.end();
    const std::string next_after = std::format(R"("," [ ]? {} {})", pair, after);
    const std::string next_before = std::format("{} {}", pair, after);
    before = rules.add("first", needed ? next_before : std::format("{} | {}", next_before, before));
    after = rules.add("then", needed ? next_after : std::format("{} | {}", next_after, after));
  }
  return before;
}

std::string body(Rules& rules, const ToolFormat& format, const ToolDefinition& tool) {
  const std::string quoted_name = Json(tool.name).dump(-1, ' ', false, Json::error_handler_t::replace);
  switch (format.shape) {
    case ToolFormat::Shape::kJson: {
      const std::string id = format.id_length > 0 ? std::format(R"( ("," [ ]? "\"id\":" [ ]? "\"" [a-zA-Z0-9]{{{}}} "\"")?)", format.id_length) : "";
      return std::format(R"("{{" [ ]? "\"name\":" [ ]? {} "," [ ]? {} [ ]? {}{} [ ]? "}}")", literal(quoted_name),
                         literal(std::format("\"{}\":", format.arguments_key)), arguments_symbol(rules, tool), id);
    }
    case ToolFormat::Shape::kNamed:
      return std::format("{} {}", literal(tool.name + std::string(format.name_end)), arguments_symbol(rules, tool));
    case ToolFormat::Shape::kPythonic:
      break;
  }
  return std::format("{} {} \")\"", literal(tool.name + "("), keyword_arguments(rules, tool));
}

// A mark, with the blanks around it optional: models differ in them.
std::string mark(std::string_view text) {
  std::size_t first = text.find_first_not_of(" \n");
  if (first == std::string_view::npos) return text.empty() ? "\"\"" : "[ \\n]?";
  const std::size_t last = text.find_last_not_of(" \n");
  std::string out = first > 0 ? "[ \\n]? " : "";
  out += literal(text.substr(first, last + 1 - first));
  return last + 1 < text.size() ? out + " [ \\n]?" : out;
}

}  // namespace

std::string tool_calls_symbol(Rules& rules, const ToolFormat& format, const std::vector<ToolDefinition>& tools,
                              const ToolGrammarOptions& options) {
  std::string bodies;
  for (const ToolDefinition& tool : tools) bodies += (bodies.empty() ? "" : " | ") + rules.add("call-" + tool.name, body(rules, format, tool));
  const std::string call =
      rules.add("call", std::format("{} {} {}", mark(format.call_begin), rules.add("call-body", bodies), mark(format.call_end)));
  std::string text = options.with_begin ? mark(format.begin) + " " : "";
  // A space or line end after the beginning's mark.
  if (!format.begin.empty() && !format.open.empty()) text += "[ ]? ";
  text += mark(format.open) + " " + call;
  if (options.parallel) {
    const std::string more = rules.add("more-calls", std::format("{} {}", mark(format.separator), call));
    text += " " + grammar::repeat(rules, more, 0, kMostCalls - 1);
  }
  return rules.add("calls", text + " " + mark(format.end));
}

}  // namespace pensieve::engine
