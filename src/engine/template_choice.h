// Which chat template a model is served with.
#pragma once

#include <string>
#include <vector>

#include "engine/chat_template.h"
#include "engine/vocabulary.h"

namespace pensieve::engine {

struct TemplateSources {
  std::string configured = {};  // Jinja, or the name of a built-in family; empty: none
  std::string file = {};        // the model file's own; empty: none
  std::string architecture = {};
  std::string model_name = {};
};

struct ChosenTemplate {
  ChatTemplate chat;
  std::string source;                  // "configured", "file", "built-in chatml", ...
  std::vector<std::string> turn_ends;  // texts that end a turn and are no control tokens
};

// The configured template, else the file's, else the built-in one of the model's family. One that
// can't be used is passed over with a warning in the log. Fails only if all do.
Result<ChosenTemplate> choose_template(const TemplateSources& sources, const Vocabulary& vocabulary);

}  // namespace pensieve::engine
