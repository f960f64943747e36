// libllama's grammar sampler.
#pragma once

#include <deque>
#include <mutex>
#include <string>

#include "engine/llama_api.h"
#include "engine/token_grammar.h"

namespace pensieve::engine {

// Keeps the grammars used last.
class LlamaGrammarCompiler final : public GrammarCompiler {
 public:
  // `vocabulary` outlives the compiler and its grammars.
  explicit LlamaGrammarCompiler(const llama_vocab* vocabulary) : vocabulary_(vocabulary) {}

  Result<std::shared_ptr<const TokenGrammar>> compile(const std::string& gbnf, const std::string& param) override;

 private:
  struct Entry {
    std::string gbnf;
    std::shared_ptr<const TokenGrammar> grammar;
  };

  const llama_vocab* vocabulary_;
  std::mutex mutex_;
  std::deque<Entry> recent_;  // the last used first
};

}  // namespace pensieve::engine
