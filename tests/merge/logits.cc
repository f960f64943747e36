// Prints the logits after each of some tokens: logits MODEL ADAPTER|- SCALE TOKEN...
// EXPERTS_USED in the environment: instead of the file's number.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/llama_model.h"

int main(int argc, char** argv) {
  using namespace pensieve;
  using namespace pensieve::engine;
  if (argc < 5) return 2;
  initialise_backends();
  const char* experts = std::getenv("EXPERTS_USED");
  const auto model = LlamaModel::open({.path = argv[1],
                                       .context_tokens = 64,
                                       .max_sequences = 8,
                                       .threads = 1,
                                       .batch_threads = 1,
                                       .architecture = "llama",
                                       .experts_used = experts ? static_cast<std::uint32_t>(std::atoi(experts)) : 0});
  if (!model) return std::fprintf(stderr, "%s\n", model.error().text().c_str()), 1;
  if (std::string(argv[2]) != "-") {
    const AdapterUse use[] = {{.name = "adapter", .scale = std::atof(argv[3]), .path = argv[2]}};
    const auto set = (*model)->load_adapters(use);
    if (!set) return std::fprintf(stderr, "%s\n", set.error().text().c_str()), 1;
    (*model)->use_adapters(*set);
  }
  std::vector<BatchToken> batch;
  for (int i = 4; i < argc; ++i) batch.push_back({std::atoi(argv[i]), i - 4, 0, true});
  if ((*model)->decode(batch) != DecodeOutcome::kDone) return 1;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    for (const float logit : (*model)->logits(i)) std::printf("%.9g ", logit);
    std::printf("\n");
  }
  return 0;
}
