#include "engine/answer_plan.h"

#include <algorithm>
#include <mutex>

#include "engine/begun_call.h"
#include "engine/tool_grammar.h"
#include "grammar/json_schema.h"

namespace pensieve::engine {
namespace {

constexpr const char* kFormatField = "response_format";

std::vector<ToolDefinition> callable_tools(const GenerationRequest& request) {
  if (request.tool_choice == ToolChoice::kNone) return {};
  if (request.tool_choice != ToolChoice::kNamed) return request.tools;
  std::vector<ToolDefinition> named;
  std::ranges::copy_if(request.tools, std::back_inserter(named),
                       [&](const ToolDefinition& tool) { return tool.name == request.tool_choice_name; });
  return named;
}

// The symbol of a text in the format asked for; empty: any text.
Result<std::string> format_symbol(grammar::Rules& rules, const GenerationRequest& request) {
  switch (request.output_format) {
    case OutputFormat::kJsonObject:
      return grammar::any_object(rules, grammar::Literals::kJson);
    case OutputFormat::kJsonSchema:
      return grammar::compile_schema(rules, request.output_schema, {.strict = true, .param = kFormatField});
    default:
      return std::string();
  }
}

}  // namespace

// Made when the first grammar is asked for: most models never need them.
struct AnswerPlanner::LazyGroups {
  std::once_flag once;
  std::shared_ptr<const TokenGroups> groups;
};

AnswerPlanner::AnswerPlanner(const Vocabulary& vocabulary, GrammarCompiler* compiler, AnswerForms forms)
    : vocabulary_(vocabulary), compiler_(compiler), forms_(forms), groups_(std::make_shared<LazyGroups>()) {}

std::shared_ptr<const TokenGroups> AnswerPlanner::groups() const {
  std::call_once(groups_->once, [&] { groups_->groups = std::make_shared<const TokenGroups>(vocabulary_); });
  return groups_->groups;
}

Result<AnswerPlan> AnswerPlanner::plan(const GenerationRequest& request, bool reasoning_open, bool reasoning_closed) const {
  AnswerPlan plan{.begun = request.begun_answer};
  if (request.prompt_kind == PromptKind::kMessages) {
    plan.reading.reasoning = forms_.reasoning;
    plan.reading.reasoning_open = reasoning_open && !forms_.reasoning.end.empty();
    const bool switched_off = request.thinking.has_value() && !*request.thinking;
    plan.reading.may_reason =
        !forms_.reasoning.begin.empty() && !reasoning_open && !reasoning_closed && !switched_off && !request.continue_last_message;
    for (const ToolDefinition& tool : callable_tools(request)) plan.reading.tool_names.push_back(tool.name);
    if (!plan.reading.tool_names.empty()) plan.reading.tools = forms_.tools;
  }
  if (const ToolCall* call = begun_call(request)) {
    if (plan.reading.tools == nullptr) {
      return fail(ErrorCode::kInvalidArgument, "messages: the tool of the call that is continued is not among the tools", {}, "messages");
    }
    plan.reading.tools = &continuing_form(*forms_.tools);
    plan.begun = begun_call_text(*plan.reading.tools, *call);
    plan.within_call = true;
  }
  TRY_VOID(add_grammars(request, plan));
  std::vector<std::string_view> texts{plan.reading.reasoning.begin, plan.reading.reasoning.end};
  if (const ToolFormat* tools = plan.reading.tools) {
    for (const std::string_view text : {tools->begin, tools->call_begin, tools->name_end, tools->call_end, tools->separator, tools->end}) {
      texts.push_back(text);
    }
  }
  for (const std::string_view text : texts) {
    for (const Token token : vocabulary_.tokenize(text, true)) {
      if (vocabulary_.piece(token, false).empty() && !vocabulary_.ends_generation(token)) plan.marks.push_back(token);
    }
  }
  return plan;
}

Result<void> AnswerPlanner::add_grammars(const GenerationRequest& request, AnswerPlan& plan) const {
  const std::vector<ToolDefinition> tools = plan.reading.tools != nullptr ? callable_tools(request) : std::vector<ToolDefinition>();
  const bool chosen = request.tool_choice == ToolChoice::kRequired || request.tool_choice == ToolChoice::kNamed;
  const bool forced = chosen || plan.within_call;
  if (forced && tools.empty()) return fail(ErrorCode::kInvalidArgument, "tool_choice: there is no tool to call", {}, "tool_choice");
  const bool formatted = request.output_format != OutputFormat::kText && !plan.within_call;
  if (tools.empty() && !formatted) return {};
  if (compiler_ == nullptr) return fail(ErrorCode::kUnsupported, "this engine can't constrain an answer", {}, kFormatField);
  plan.groups = groups();
  if (formatted && request.output_format == OutputFormat::kGrammar) {
    plan.whole = TRY(compiler_->compile(request.output_schema, "grammar"));
    return {};
  }
  // A tool that is named is called once: a small model would call it on and on.
  const bool parallel = request.parallel_tool_calls && request.tool_choice != ToolChoice::kNamed;
  const auto calls_symbol = [&](grammar::Rules& rules, bool with_begin) {
    return tool_calls_symbol(rules, *plan.reading.tools, tools, {.parallel = parallel, .with_begin = with_begin});
  };
  // A bare form is forced without its mark, which only some of its models write.
  const bool marked = plan.reading.tools != nullptr && !plan.reading.tools->bare;
  if (forced || formatted) {
    grammar::Rules rules;
    std::string root = forced ? "" : TRY(format_symbol(rules, request));
    if (!tools.empty()) root += (root.empty() ? "" : " | ") + calls_symbol(rules, marked);
    plan.whole = TRY(compiler_->compile(rules.text(root), forced ? "tools" : kFormatField));
    return {};
  }
  grammar::Rules rules;
  plan.calls = TRY(compiler_->compile(rules.text(calls_symbol(rules, false)), "tools"));
  // A call without its mark has neither the texts around it.
  if (forms_.tools->bare) {
    plan.bare_calls = plan.calls;
  } else if (forms_.tools->shape == ToolFormat::Shape::kJson) {
    grammar::Rules bare;
    const ToolFormat plain{
        .name = "bare", .signs = {}, .begin = "", .bare = true, .separator = "\n", .arguments_key = forms_.tools->arguments_key};
    const std::string root = tool_calls_symbol(bare, plain, tools, {.parallel = request.parallel_tool_calls, .with_begin = false});
    plan.bare_calls = TRY(compiler_->compile(bare.text(root), "tools"));
  }
  return {};
}

}  // namespace pensieve::engine
