#include "engine/llama_grammar.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <format>
#include <utility>

namespace pensieve::engine {
namespace {

constexpr std::size_t kMostKept = 32;
constexpr std::size_t kLargestKept = std::size_t{256} << 10U;  // bytes of text

class LlamaGrammarState final : public GrammarState {
 public:
  explicit LlamaGrammarState(SamplerHandle sampler) : sampler_(std::move(sampler)) {}

  [[nodiscard]] std::vector<bool> allows(std::span<const Token> tokens) const override {
    std::vector<llama_token_data> candidates;
    candidates.reserve(tokens.size());
    for (const Token token : tokens) candidates.push_back({token, 0.0F, 0.0F});
    llama_token_data_array array{candidates.data(), candidates.size(), -1, false};
    llama_sampler_apply(sampler_.get(), &array);
    std::vector<bool> allowed;
    allowed.reserve(tokens.size());
    for (std::size_t i = 0; i < array.size; ++i) allowed.push_back(!std::isinf(array.data[i].logit));
    return allowed;
  }

  [[nodiscard]] std::unique_ptr<GrammarState> clone() const override {
    return std::make_unique<LlamaGrammarState>(SamplerHandle(llama_sampler_clone(sampler_.get())));
  }

  void accept(Token token) override { llama_sampler_accept(sampler_.get(), token); }

 private:
  SamplerHandle sampler_;
};

class LlamaGrammar final : public TokenGrammar {
 public:
  LlamaGrammar(SamplerHandle sampler, grammar::GrammarFacts facts) : sampler_(std::move(sampler)), facts_(facts) {}

  [[nodiscard]] std::unique_ptr<GrammarState> begin() const override {
    return std::make_unique<LlamaGrammarState>(SamplerHandle(llama_sampler_clone(sampler_.get())));
  }
  [[nodiscard]] const grammar::GrammarFacts& facts() const override { return facts_; }

 private:
  SamplerHandle sampler_;
  grammar::GrammarFacts facts_;
};

}  // namespace

Result<std::shared_ptr<const TokenGrammar>> LlamaGrammarCompiler::compile(const std::string& gbnf, const std::string& param) {
  const std::scoped_lock lock(mutex_);
  const auto known = std::ranges::find(recent_, gbnf, &Entry::gbnf);
  if (known != recent_.end()) {
    Entry entry = std::move(*known);
    recent_.erase(known);
    recent_.push_front(std::move(entry));
    return recent_.front().grammar;
  }
  const grammar::GrammarFacts facts = TRY(grammar::check_grammar(gbnf, param));
  SamplerHandle sampler;
  try {
    sampler.reset(llama_sampler_init_grammar(vocabulary_, gbnf.c_str(), "root"));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidArgument, std::format("grammar: {}", error.what()), {}, param);
  }
  if (!sampler) return fail(ErrorCode::kInvalidArgument, "grammar: the sampler can't read it", {}, param);
  auto compiled = std::make_shared<const LlamaGrammar>(std::move(sampler), facts);
  if (gbnf.size() <= kLargestKept) recent_.push_front({gbnf, compiled});
  if (recent_.size() > kMostKept) recent_.pop_back();
  return compiled;
}

}  // namespace pensieve::engine
