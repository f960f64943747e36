// The one place where a request becomes tokens.
#pragma once

#include "engine/answer_plan.h"
#include "engine/prepared_request.h"
#include "engine/template_choice.h"
#include "engine/text_guard.h"
#include "engine/vocabulary.h"

namespace pensieve::engine {

// Immutable; thread-safe.
class PromptBuilder {
 public:
  // What is given outlives the builder. Without a compiler no answer can be constrained, without `images`
  // requests with images are refused.
  PromptBuilder(const Vocabulary& vocabulary, ChosenTemplate chosen, GrammarCompiler* compiler = nullptr,
                const ImageReader* images = nullptr);

  [[nodiscard]] const std::string& template_source() const { return chosen_.source; }

  // The request's prompt, with the model's begin token exactly once if it wants one. Errors:
  // check_request's, and kInvalidArgument for messages that the template refuses or an empty
  // prompt.
  // `only_count`: its images are not decoded.
  [[nodiscard]] Result<Prompt> build(const GenerationRequest& request, bool only_count = false) const;

  // The same with the plan of its answer. Errors: AnswerPlanner's too.
  [[nodiscard]] Result<Prompt> prepare(const GenerationRequest& request) const;

 private:
  [[nodiscard]] Result<Prompt> from_messages(const GenerationRequest& request, bool only_count) const;
  [[nodiscard]] Result<Prompt> to_fill_in(const GenerationRequest& request) const;
  [[nodiscard]] Prompt from_text(const GenerationRequest& request) const;
  [[nodiscard]] Prompt from_tokens(const GenerationRequest& request) const;
  [[nodiscard]] Result<std::string> render(const GenerationRequest& request, Conversation conversation) const;
  void end_reasoning(const GenerationRequest& request, std::string& rendered, Prompt& prompt) const;
  [[nodiscard]] Result<void> add_image(const Image& image, bool only_count, Prompt& prompt) const;
  void begin_once(std::vector<Token>& tokens) const;

  const Vocabulary& vocabulary_;
  ChosenTemplate chosen_;
  ControlTexts controls_;
  AnswerForms forms_;
  AnswerPlanner planner_;
  const ImageReader* images_;
};

}  // namespace pensieve::engine
