#include <spdlog/spdlog.h>

#include <utility>

#include "engine/embedding_engine.h"
#include "engine/llama_embeddings.h"
#include "engine/llama_model.h"
#include "engine/local_engine.h"
#include "engine/model_file.h"

namespace pensieve::engine {

Result<std::unique_ptr<Engine>> load(const ipc::LoadModel& settings, EventSink sink) {
  const SteadyTime began = std::chrono::steady_clock::now();
  ModelHandle file = TRY(open_model_file(settings));
  if (made_for_embeddings(file.get())) return TRY(EmbeddingEngine::start(std::move(file), settings, began, std::move(sink)));
  std::unique_ptr<LlamaModel> model = TRY(LlamaModel::open(std::move(file), settings));
  const Vocabulary& vocabulary = model->vocabulary();
  ChosenTemplate chosen = TRY(choose_template({.configured = settings.chat_template,
                                               .file = model->chat_template(),
                                               .architecture = model->metadata("general.architecture"),
                                               .model_name = model->metadata("general.name")},
                                              vocabulary));
  ipc::Loaded facts = model->facts();
  facts.chat_template_source = chosen.source;
  auto embeddings = std::make_unique<LlamaEmbeddings>(model->handle(), settings.threads);
  EngineParts parts{
      std::move(model), std::move(embeddings), &vocabulary, PromptBuilder(vocabulary, std::move(chosen)), std::move(facts), began};
  std::unique_ptr<Engine> engine = TRY(LocalEngine::start(std::move(parts), std::move(sink)));
  const ipc::Loaded& loaded = engine->loaded();
  spdlog::info("loaded {} ({}): {} cells, {} sequences, {} threads, chat template {}, {} ms", settings.model_id, loaded.architecture,
               loaded.context_tokens, loaded.max_sequences, loaded.threads, loaded.chat_template_source, loaded.load_us / 1000);
  return engine;
}

}  // namespace pensieve::engine
