#include "engine/prompt_builder.h"

#include <cctype>
#include <map>
#include <utility>

#include "engine/begun_call.h"
#include "engine/request_check.h"

namespace pensieve::engine {
namespace {

constexpr std::string_view kFailedTool = "Error: ";

// Call ids as the template wants them: Mistral's take nine letters and digits.
std::string shaped_id(const std::string& id, std::size_t length) {
  if (length == 0) return id;
  std::string shaped;
  for (const char c : id) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) shaped += c;
  }
  if (shaped.size() > length) shaped.erase(0, shaped.size() - length);
  return std::string(length - shaped.size(), '0') + shaped;
}

// Fills in what clients leave out and templates want: the name of the tool that a result belongs to.
void complete_results(std::vector<Message>& messages, std::size_t id_length) {
  std::map<std::string, std::string> names;
  for (Message& message : messages) {
    for (ToolCall& call : message.tool_calls) {
      names[call.id] = call.name;
      call.id = shaped_id(call.id, id_length);
    }
    if (message.role != Role::kTool) continue;
    const auto name = names.find(message.tool_call_id);
    if (message.tool_name.empty() && name != names.end()) message.tool_name = name->second;
    message.tool_call_id = shaped_id(message.tool_call_id, id_length);
  }
}

bool ends_with_mark(std::string_view text, std::string_view mark) {
  const std::size_t last = text.find_last_not_of(" \n");
  return !mark.empty() && last != std::string_view::npos && text.substr(0, last + 1).ends_with(mark);
}

// A message's text, guarded, with placeholders where its images stand. `index`: of its first image.
std::string guarded_content(const Message& message, std::size_t index, TextGuard& guard) {
  std::string content;
  std::size_t done = 0;
  for (const Image& image : message.images) {
    const std::size_t at = std::clamp<std::size_t>(image.offset, done, message.text.size());
    content += guard.guard(std::string_view(message.text).substr(done, at - done));
    content += guard.image(index++);
    done = at;
  }
  return content + guard.guard(std::string_view(message.text).substr(done));
}

std::vector<const Image*> all_images(const GenerationRequest& request) {
  std::vector<const Image*> images;
  for (const Message& message : request.messages) {
    for (const Image& image : message.images) images.push_back(&image);
  }
  return images;
}

// The request's conversation with every text guarded.
Conversation guarded(const GenerationRequest& request, std::size_t id_length, TextGuard& guard) {
  Conversation conversation{request.messages, {}};
  complete_results(conversation.messages, id_length);
  if (request.tool_choice != ToolChoice::kNone) conversation.tools = request.tools;
  std::size_t images = 0;
  for (Message& message : conversation.messages) {
    message.text = guarded_content(message, images, guard);
    images += message.images.size();
    message.images.clear();
    if (message.tool_failed) message.text.insert(0, kFailedTool);
    message.reasoning = guard.guard(message.reasoning);
    message.tool_name = guard.guard(message.tool_name);
    for (ToolCall& call : message.tool_calls) {
      call.name = guard.guard(call.name);
      call.arguments = guard.guard(call.arguments);
    }
  }
  for (ToolDefinition& tool : conversation.tools) {
    tool.name = guard.guard(tool.name);
    tool.description = guard.guard(tool.description);
    tool.parameters_schema = guard.guard(tool.parameters_schema);
  }
  return conversation;
}

}  // namespace

PromptBuilder::PromptBuilder(const Vocabulary& vocabulary, ChosenTemplate chosen, GrammarCompiler* compiler, const ImageReader* images)
    : vocabulary_(vocabulary),
      chosen_(std::move(chosen)),
      controls_(vocabulary.control_texts()),
      forms_{chosen_.chat.abilities().tools ? &tool_format_of(chosen_.chat.source()) : &built_in_tool_format(),
             reasoning_marks_of(chosen_.chat.source())},
      planner_(vocabulary, compiler, forms_),
      images_(images) {}

Result<Prompt> PromptBuilder::prepare(const GenerationRequest& request) const {
  Prompt prompt = TRY(build(request));
  prompt.answer = std::make_shared<const AnswerPlan>(TRY(planner_.plan(request, prompt.reasoning_open, prompt.reasoning_closed)));
  return prompt;
}

Result<Prompt> PromptBuilder::build(const GenerationRequest& request, bool only_count) const {
  TRY_VOID(check_request(request, vocabulary_.size(), images_ != nullptr));
  Prompt prompt;
  switch (request.prompt_kind) {
    case PromptKind::kMessages:
      prompt = TRY(from_messages(request, only_count));
      break;
    case PromptKind::kText:
      prompt = request.suffix.empty() ? from_text(request) : TRY(to_fill_in(request));
      break;
    case PromptKind::kTokens:
      prompt = from_tokens(request);
      break;
  }
  if (prompt.tokens.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the prompt is empty", {}, "prompt");
  }
  if (!request.echo_prompt) prompt.text.clear();
  return prompt;
}

Result<Prompt> PromptBuilder::from_messages(const GenerationRequest& request, bool only_count) const {
  TextGuard guard(controls_);
  std::string rendered = TRY(render(request, guarded(request, forms_.tools->id_length, guard)));
  Prompt prompt;
  end_reasoning(request, rendered, prompt);
  const std::vector<const Image*> images = all_images(request);
  std::set<std::size_t> rendered_images;
  for (const TextGuard::Part& part : guard.restore(rendered)) {
    if (part.image) {
      TRY_VOID(add_image(*images[*part.image], only_count, prompt));
      rendered_images.insert(*part.image);
      continue;
    }
    const auto tokens = vocabulary_.tokenize(part.text, !part.literal);
    prompt.tokens.insert(prompt.tokens.end(), tokens.begin(), tokens.end());
    prompt.text += part.text;
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (rendered_images.contains(i)) continue;
    return fail(ErrorCode::kInvalidArgument, "the model's chat template leaves the message of an image out", "put it into a user's message",
                images[i]->field);
  }
  if (!prompt.images.empty() && prompt.images.back().end() == prompt.tokens.size()) {
    return fail(ErrorCode::kInvalidArgument, "the prompt must not end with an image", {}, images.back()->field);
  }
  const std::size_t before = prompt.tokens.size();
  begin_once(prompt.tokens);
  for (PromptImage& image : prompt.images) image.begin = image.begin + prompt.tokens.size() - before;
  prompt.turn_ends = chosen_.turn_ends;
  return prompt;
}

Result<void> PromptBuilder::add_image(const Image& image, bool only_count, Prompt& prompt) const {
  for (ImagePart& part : TRY(images_->read(image, only_count))) {
    const std::vector<Token>& tokens = part.image ? part.image->tokens() : part.text;
    if (part.image) prompt.images.push_back({prompt.tokens.size(), part.image});
    prompt.tokens.insert(prompt.tokens.end(), tokens.begin(), tokens.end());
  }
  return {};
}

// To continue the last message, its end is marked and what the template writes after it cut off.
// Where a template drops that message, its text goes behind the beginning of an answer.
Result<std::string> PromptBuilder::render(const GenerationRequest& request, Conversation conversation) const {
  const ChatTemplate& chat = chosen_.chat;
  if (!request.continue_last_message) return chat.render(conversation, true, request.thinking);
  Message& last = conversation.messages.back();
  std::string call;
  if (begun_call(request) != nullptr) {
    call = begun_call_text(continuing_form(*forms_.tools), last.tool_calls.front());
    last.tool_calls.clear();
  }
  const std::string text = last.text;
  last.text += TextGuard::kMark;
  if (auto rendered = chat.render(conversation, false, request.thinking)) {
    const std::size_t end = rendered->rfind(TextGuard::kMark);
    if (end != std::string::npos) return rendered->substr(0, end) + call;
  }
  conversation.messages.pop_back();
  return TRY(chat.render(conversation, true, request.thinking)) + text + call;
}

// Tells whether the prompt leaves the model reasoning. A template that begins it whatever the switch says is
// made to have ended it.
void PromptBuilder::end_reasoning(const GenerationRequest& request, std::string& rendered, Prompt& prompt) const {
  if (request.continue_last_message) return;
  const bool off = request.thinking.has_value() && !*request.thinking;
  prompt.reasoning_open = ends_with_mark(rendered, forms_.reasoning.begin);
  if (prompt.reasoning_open && off) {
    rendered += "\n";
    rendered += forms_.reasoning.end;
    rendered += "\n\n";
    prompt.reasoning_open = false;
  }
  prompt.reasoning_closed = ends_with_mark(rendered, forms_.reasoning.end);
}

Prompt PromptBuilder::from_text(const GenerationRequest& request) const {
  Prompt prompt{.tokens = vocabulary_.tokenize(request.prompt, request.parse_special), .text = request.prompt};
  begin_once(prompt.tokens);
  if (prompt.tokens.empty()) {
    if (const auto begin = vocabulary_.begin_token()) prompt.tokens.push_back(*begin);
  }
  return prompt;
}

Result<Prompt> PromptBuilder::to_fill_in(const GenerationRequest& request) const {
  const std::optional<InfillTokens> infill = vocabulary_.infill_tokens();
  if (!infill) {
    return fail(ErrorCode::kUnsupported, "suffix: this model can't fill in the middle of a text",
                "use a code model that can, or leave it out", "suffix");
  }
  Prompt prompt{.tokens = {}, .text = request.prompt};
  const auto append = [&](Token mark, std::string_view text) {
    prompt.tokens.push_back(mark);
    const std::vector<Token> tokens = vocabulary_.tokenize(text, false);
    prompt.tokens.insert(prompt.tokens.end(), tokens.begin(), tokens.end());
  };
  append(infill->prefix, request.prompt);
  append(infill->suffix, request.suffix);
  append(infill->middle, {});
  begin_once(prompt.tokens);
  return prompt;
}

Prompt PromptBuilder::from_tokens(const GenerationRequest& request) const {
  Prompt prompt{.tokens = request.prompt_tokens};
  if (!request.echo_prompt) return prompt;
  for (const Token token : prompt.tokens) prompt.text += vocabulary_.piece(token, false);
  return prompt;
}

void PromptBuilder::begin_once(std::vector<Token>& tokens) const {
  const auto begin = vocabulary_.begin_token();
  if (!begin) return;
  while (tokens.size() > 1 && tokens[0] == *begin && tokens[1] == *begin) {
    tokens.erase(tokens.begin());
  }
  const bool begun = !tokens.empty() && tokens.front() == *begin;
  if (vocabulary_.begins_prompts() && !begun) tokens.insert(tokens.begin(), *begin);
}

}  // namespace pensieve::engine
