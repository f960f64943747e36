// From a neutral request to prompt tokens.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/chat_template.h"
#include "engine/llama_model.h"
#include "generation/request.h"

namespace pensieve::engine {

class PromptBuilder {
 public:
  // Takes the template of `configured`, else of the file, else a built-in one; one that can't be
  // read is passed over with a warning. `model` outlives this.
  static Result<PromptBuilder> create(const LlamaModel& model, const std::string& configured,
                                      const std::string& file_template,
                                      const std::string& file_name);

  // Tokens of the request's prompt, BOS included. Errors: kInvalidArgument (template refuses, token
  // out of the vocabulary, empty prompt). One call at a time.
  [[nodiscard]] Result<std::vector<Token>> build(const GenerationRequest& request) const;

  // "configured", "file" or "built-in NAME".
  [[nodiscard]] const std::string& source() const { return source_; }

 private:
  PromptBuilder(const LlamaModel& model, ChatTemplate chat, std::string source);

  const LlamaModel* model_;
  ChatTemplate chat_;
  std::string source_;
};

}  // namespace pensieve::engine
