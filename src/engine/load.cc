#include <spdlog/spdlog.h>

#include <utility>

#include "engine/llama_model.h"
#include "engine/local_engine.h"

namespace pensieve::engine {

Result<std::unique_ptr<Engine>> load(const ipc::LoadModel& settings, EventSink sink) {
  const SteadyTime began = std::chrono::steady_clock::now();
  std::unique_ptr<LlamaModel> model = TRY(LlamaModel::open(settings));
  const Vocabulary& vocabulary = model->vocabulary();
  ChosenTemplate chosen = TRY(choose_template({.configured = settings.chat_template,
                                               .file = model->chat_template(),
                                               .architecture = model->metadata("general.architecture"),
                                               .model_name = model->metadata("general.name")},
                                              vocabulary));
  ipc::Loaded facts = model->facts();
  facts.chat_template_source = chosen.source;
  EngineParts parts{std::move(model), &vocabulary, PromptBuilder(vocabulary, std::move(chosen)), std::move(facts), began};
  std::unique_ptr<Engine> engine = TRY(LocalEngine::start(std::move(parts), std::move(sink)));
  const ipc::Loaded& loaded = engine->loaded();
  spdlog::info("loaded {} ({}): {} cells, {} sequences, {} threads, chat template {}, {} ms", settings.model_id, loaded.architecture,
               loaded.context_tokens, loaded.max_sequences, loaded.threads, loaded.chat_template_source, loaded.load_us / 1000);
  return engine;
}

}  // namespace pensieve::engine
