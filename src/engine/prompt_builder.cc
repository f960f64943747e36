#include "engine/prompt_builder.h"

#include <spdlog/spdlog.h>

#include <format>
#include <utility>

#include "engine/builtin_templates.h"

namespace pensieve::engine {

PromptBuilder::PromptBuilder(const LlamaModel& model, ChatTemplate chat, std::string source)
    : model_(&model), chat_(std::move(chat)), source_(std::move(source)) {}

Result<PromptBuilder> PromptBuilder::create(const LlamaModel& model, const std::string& configured,
                                            const std::string& file_template,
                                            const std::string& file_name) {
  const std::string bos = model.bos_text();
  const std::string eos = model.eos_text();
  const std::vector<std::string> control = model.control_texts();
  const BuiltinTemplate builtin = choose_builtin_template(
      {.architecture = model.loaded().architecture,
       .name = model.metadata("general.name") + " " + file_name,
       .has_token = [&](std::string_view text) { return model.has_token(text); }});
  const std::pair<std::string, std::string> choices[] = {
      {"configured", configured},
      {"file", file_template},
      {std::format("built-in {}", builtin.name), std::string(builtin.source)}};
  for (const auto& [label, text] : choices) {
    if (text.empty()) continue;
    Result<ChatTemplate> chat = ChatTemplate::parse(text, bos, eos, control);
    if (chat) return PromptBuilder(model, std::move(*chat), label);
    spdlog::warn("chat template ({}): {}; the next one is taken", label, chat.error().message);
  }
  return fail(ErrorCode::kInternal, "no chat template could be read");
}

Result<std::vector<Token>> PromptBuilder::build(const GenerationRequest& request) const {
  std::vector<Token> tokens;
  switch (request.prompt_kind) {
    case PromptKind::kMessages:
      tokens = model_->tokenize(TRY(chat_.render(request)), true);
      break;
    case PromptKind::kText:
      tokens = model_->tokenize({{request.prompt, true}}, true);
      break;
    case PromptKind::kTokens:
      tokens = request.prompt_tokens;
      break;
  }
  for (const Token token : tokens) {
    if (token < 0 || token >= model_->vocabulary_size()) {
      return fail(ErrorCode::kInvalidArgument,
                  std::format("token {} is not in the model's vocabulary of {}", token,
                              model_->vocabulary_size()),
                  "", "prompt");
    }
  }
  if (tokens.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the prompt is empty", "send some text", "prompt");
  }
  return tokens;
}

}  // namespace pensieve::engine
