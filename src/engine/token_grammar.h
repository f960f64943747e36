// A grammar as a limit on tokens.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/batch_model.h"
#include "grammar/gbnf_check.h"

namespace pensieve::engine {

// A text in the making. Used by one thread.
class GrammarState {
 public:
  virtual ~GrammarState() = default;

  // For each token whether it may come next; an end token may, once the text is whole.
  [[nodiscard]] virtual std::vector<bool> allows(std::span<const Token> tokens) const = 0;

  [[nodiscard]] virtual std::unique_ptr<GrammarState> clone() const = 0;

  // Goes on with a token that is allowed and no end token.
  virtual void accept(Token token) = 0;
};

// A compiled grammar. Immutable; thread-safe.
class TokenGrammar {
 public:
  virtual ~TokenGrammar() = default;
  [[nodiscard]] virtual std::unique_ptr<GrammarState> begin() const = 0;
  [[nodiscard]] virtual const grammar::GrammarFacts& facts() const = 0;
};

class GrammarCompiler {
 public:
  virtual ~GrammarCompiler() = default;

  // GBNF with a rule `root`; the same text again costs nothing. Errors as check_grammar, with `param`.
  // Thread-safe.
  virtual Result<std::shared_ptr<const TokenGrammar>> compile(const std::string& gbnf, const std::string& param) = 0;
};

}  // namespace pensieve::engine
