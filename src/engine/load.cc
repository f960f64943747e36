#include <spdlog/spdlog.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "base/utf8.h"
#include "engine/disk_archive.h"
#include "engine/embedding_engine.h"
#include "engine/llama_embeddings.h"
#include "engine/llama_grammar.h"
#include "engine/llama_model.h"
#include "engine/local_engine.h"
#include "engine/model_file.h"

namespace pensieve::engine {
namespace {

// The chat template that a person has put beside the model: MODEL.jinja beside MODEL.gguf. Empty: none.
std::string template_beside(const std::string& model_path) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 20U;
  const std::filesystem::path path = std::filesystem::path(model_path).replace_extension(".jinja");
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  std::string text(kMostBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() <= kMostBytes && is_valid_utf8(text)) return text;
  spdlog::warn("{} is not used: it is no UTF-8 text of at most {} bytes", path.string(), kMostBytes);
  return {};
}

// Where the settings want conversations kept; none if they don't, or if the folder can't be used.
std::unique_ptr<StateArchive> open_archive(const ipc::LoadModel& settings, const LlamaModel& model) {
  if (settings.state_folder.empty() || settings.state_bytes <= 0) return nullptr;
  auto archive = DiskArchive::open({.folder = settings.state_folder, .space = model.state_space(), .most_bytes = settings.state_bytes});
  if (!archive) {
    spdlog::warn("conversations are not kept: {}", archive.error().text());
    return nullptr;
  }
  return std::move(*archive);
}

}  // namespace

Result<std::unique_ptr<Engine>> load(const ipc::LoadModel& settings, EventSink sink) {
  const SteadyTime began = std::chrono::steady_clock::now();
  ModelHandle file = TRY(open_model_file(settings));
  if (made_for_embeddings(file.get())) return TRY(EmbeddingEngine::start(std::move(file), settings, began, std::move(sink)));
  std::unique_ptr<LlamaModel> model = TRY(LlamaModel::open(std::move(file), settings));
  const Vocabulary& vocabulary = model->vocabulary();
  ChosenTemplate chosen =
      TRY(choose_template({.configured = settings.chat_template.empty() ? template_beside(settings.path) : settings.chat_template,
                           .file = model->chat_template(),
                           .architecture = model->metadata("general.architecture"),
                           .model_name = model->metadata("general.name")},
                          vocabulary));
  ipc::Loaded facts = model->facts();
  facts.chat_template_source = chosen.source;
  auto embeddings = std::make_unique<LlamaEmbeddings>(model->handle(), settings.threads);
  auto grammars = std::make_unique<LlamaGrammarCompiler>(model->vocabulary().handle());
  PromptBuilder prompts(vocabulary, std::move(chosen), grammars.get(), model->image_reader());
  std::unique_ptr<StateArchive> archive = open_archive(settings, *model);
  EngineParts parts{std::move(model), std::move(embeddings), &vocabulary, std::move(grammars), std::move(prompts),
                    std::move(facts), std::move(archive),    began,       settings.speculation};
  if (settings.threads <= 0) parts.cpu_time_of_others = cpu_time_of_others;  // a number that the user gave stays
  std::unique_ptr<Engine> engine = TRY(LocalEngine::start(std::move(parts), std::move(sink)));
  const ipc::Loaded& loaded = engine->loaded();
  spdlog::info("loaded {} ({}): {} cells, {} sequences, {} threads, chat template {}, {} ms", settings.model_id, loaded.architecture,
               loaded.context_tokens, loaded.max_sequences, loaded.threads, loaded.chat_template_source, loaded.load_us / 1000);
  return engine;
}

}  // namespace pensieve::engine
