// Grammars of an answer that calls tools.
#pragma once

#include <string>
#include <vector>

#include "engine/tool_format.h"
#include "generation/request.h"
#include "grammar/rules.h"

namespace pensieve::engine {

struct ToolGrammarOptions {
  bool parallel = true;
  bool with_begin = true;  // the format's `begin` first; else what follows it
};

// Adds rules for calls of `tools` (not empty) in the model's form, arguments held to each tool's schema
// (keywords that no grammar can hold are passed over), and returns their symbol.
std::string tool_calls_symbol(grammar::Rules& rules, const ToolFormat& format, const std::vector<ToolDefinition>& tools,
                              const ToolGrammarOptions& options);

}  // namespace pensieve::engine
