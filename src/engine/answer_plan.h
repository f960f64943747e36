// What a request's answer may look like, and how it is read: made once, before the first step.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "engine/answer_reader.h"
#include "engine/token_grammar.h"
#include "engine/token_groups.h"
#include "engine/vocabulary.h"
#include "generation/request.h"

namespace pensieve::engine {

struct AnswerPlan {
  ReadingPlan reading;
  // Control tokens whose texts are marks of the forms above.
  std::vector<Token> marks;
  // Holds from the first token (after reasoning, where there is some); null: none.
  std::shared_ptr<const TokenGrammar> whole;
  std::string begun;         // the answer's beginning, generated before, which `whole` takes as read
  bool within_call = false;  // `begun` ends in the arguments of a call, whose client has its name
  // Holds from where calls begin of the model's own accord: after the mark, or from a bare call's first byte.
  std::shared_ptr<const TokenGrammar> calls;
  std::shared_ptr<const TokenGrammar> bare_calls;
  std::shared_ptr<const TokenGroups> groups;  // if there is a grammar

  // True if the answer is more than plain text.
  [[nodiscard]] bool reads() const { return reading.tools != nullptr || !reading.reasoning.end.empty(); }
};

// How the model that answers writes calls and reasoning.
struct AnswerForms {
  const ToolFormat* tools = nullptr;  // never null in use
  ReasoningMarks reasoning;
};

class AnswerPlanner {
 public:
  // Both outlive the planner. `compiler` may be null: then nothing can be constrained.
  AnswerPlanner(const Vocabulary& vocabulary, GrammarCompiler* compiler, AnswerForms forms);

  // `reasoning_open`, `reasoning_closed`: how the prompt ends. Errors: kUnsupported and kInvalidArgument
  // for schemas and grammars that can't be held, with the request's field. Thread-safe.
  [[nodiscard]] Result<AnswerPlan> plan(const GenerationRequest& request, bool reasoning_open, bool reasoning_closed) const;

 private:
  [[nodiscard]] Result<void> add_grammars(const GenerationRequest& request, AnswerPlan& plan) const;
  [[nodiscard]] std::shared_ptr<const TokenGroups> groups() const;

  const Vocabulary& vocabulary_;
  GrammarCompiler* compiler_;
  AnswerForms forms_;
  struct LazyGroups;
  std::shared_ptr<LazyGroups> groups_;
};

}  // namespace pensieve::engine
