// Prints the perplexity of a text under each model: perplexity TEXT MODEL...
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <vector>

#include "engine/engine.h"
#include "engine/llama_model.h"

namespace {

using namespace pensieve;
using namespace pensieve::engine;

// -log p(token) by the row's logits.
double surprise(std::span<const float> logits, Token token) {
  double most = -1e30;
  for (const float logit : logits) most = std::max<double>(most, logit);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - most);
  return std::log(sum) + most - logits[static_cast<std::size_t>(token)];
}

Result<double> perplexity(const std::string& path, const std::string& text) {
  const std::unique_ptr<LlamaModel> model =
      TRY(LlamaModel::open({.path = path, .context_tokens = 1024, .max_sequences = 8, .threads = 1, .batch_threads = 1}));
  const std::vector<Token> tokens = model->vocabulary().tokenize(text, false);
  const std::size_t rows = model->limits().max_active;  // of logits in one batch
  double sum = 0;
  for (std::size_t at = 0; at + 1 < tokens.size(); at += rows) {
    std::vector<BatchToken> batch;
    for (std::size_t i = at; i < std::min(at + rows, tokens.size() - 1); ++i) {
      batch.push_back({tokens[i], static_cast<std::int32_t>(i), 0, true});
    }
    if (model->decode(batch) != DecodeOutcome::kDone) return fail(ErrorCode::kInternal, "the model failed to decode");
    for (std::size_t i = 0; i < batch.size(); ++i) sum += surprise(model->logits(i), tokens[at + i + 1]);
  }
  return std::exp(sum / static_cast<double>(tokens.size() - 1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::stringstream text;
  text << std::ifstream(argv[1]).rdbuf();
  initialise_backends();
  for (int i = 2; i < argc; ++i) {
    const Result<double> value = perplexity(argv[i], text.str());
    if (!value) {
      std::fprintf(stderr, "%s: %s\n", argv[i], value.error().text().c_str());
      return 1;
    }
    std::printf("%.6f\n", *value);
  }
  return 0;
}
