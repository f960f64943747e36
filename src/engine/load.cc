#include <spdlog/spdlog.h>

#include <utility>

#include "engine/llama_model.h"
#include "engine/local_engine.h"

namespace pensieve::engine {

Result<std::unique_ptr<Engine>> load(const ipc::LoadModel& settings, EventSink sink) {
  const auto start = std::chrono::steady_clock::now();
  std::unique_ptr<LlamaModel> model = TRY(LlamaModel::open(settings));
  const Vocabulary& vocabulary = model->vocabulary();
  ChosenTemplate chosen = TRY(choose_template({.configured = settings.chat_template,
                                               .file = model->chat_template(),
                                               .architecture = model->metadata("general.architecture"),
                                               .model_name = model->metadata("general.name")},
                                              vocabulary));
  ipc::Loaded facts = model->facts();
  facts.chat_template_source = chosen.source;
  facts.load_us = std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::steady_clock::now() - start)
                      .count();
  spdlog::info("loaded {} ({}): {} cells, {} sequences, {} threads, chat template {}, {} ms",
               settings.model_id, facts.architecture, facts.context_tokens, facts.max_sequences,
               facts.threads, facts.chat_template_source, facts.load_us / 1000);
  EngineParts parts{std::move(model), &vocabulary, PromptBuilder(vocabulary, std::move(chosen)),
                    std::move(facts)};
  return TRY(LocalEngine::start(std::move(parts), std::move(sink)));
}

}  // namespace pensieve::engine
