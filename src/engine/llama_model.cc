#include "engine/llama_model.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <format>
#include <map>

#include "engine/backends.h"
#include "engine/cpu_topology.h"

namespace pensieve::engine {
namespace {

constexpr std::uint32_t kDefaultContext = 8192;
constexpr std::uint32_t kDefaultSequences = 8;
constexpr std::uint32_t kDefaultBatch = 512;
// Sequences kept beside the running ones for their prefixes.
constexpr std::uint32_t kIdleSequencesPerRunning = 1;

Result<ggml_type> cache_type(const std::string& name) {
  static const std::map<std::string, ggml_type, std::less<>> kTypes = {
      {"f16", GGML_TYPE_F16}, {"q8_0", GGML_TYPE_Q8_0}, {"q4_0", GGML_TYPE_Q4_0}};
  const auto found = kTypes.find(name);
  if (found != kTypes.end()) return found->second;
  return fail(ErrorCode::kInvalidArgument, std::format("unknown cache type '{}'", name),
              "use f16, q8_0 or q4_0", "engine.cache_type");
}

Result<ModelHandle> open_file(const ipc::LoadModel& settings) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(settings.path, error)) {
    return fail(ErrorCode::kNotFound, std::format("model file '{}' does not exist", settings.path),
                "put the file back, or run `pensieve list` to see what is installed");
  }
  llama_model_params params = llama_model_default_params();
  params.n_gpu_layers = settings.gpu_layers;
  ModelHandle model(llama_model_load_from_file(settings.path.c_str(), params));
  if (model) return model;
  const std::string reason = last_engine_error();
  return fail(reason.find("alloc") == std::string::npos ? ErrorCode::kUnsupported
                                                        : ErrorCode::kOutOfMemory,
              std::format("the engine can't open '{}': {}", settings.path,
                          reason.empty() ? "no reason given" : reason),
              "check the file with `pensieve doctor`; a newer llama.cpp may know its format");
}

}  // namespace

LlamaModel::LlamaModel(ModelHandle model, ContextHandle context)
    : model_(std::move(model)),
      context_(std::move(context)),
      vocabulary_(llama_model_get_vocab(model_.get())),
      batch_(llama_batch_init(static_cast<std::int32_t>(llama_n_batch(context_.get())), 0, 1)),
      partial_state_(llama_model_is_recurrent(model_.get()) || llama_model_is_hybrid(model_.get()) ||
                     llama_model_n_swa(model_.get()) > 0) {}

LlamaModel::~LlamaModel() { llama_batch_free(batch_); }

Result<std::unique_ptr<LlamaModel>> LlamaModel::open(const ipc::LoadModel& settings) {
  const auto begin = std::chrono::steady_clock::now();
  forget_load_figures();
  const ggml_type cache = TRY(cache_type(settings.cache_type));
  ModelHandle model = TRY(open_file(settings));
  if (llama_model_has_encoder(model.get()) || !llama_model_has_decoder(model.get())) {
    return fail(ErrorCode::kUnsupported,
                std::format("'{}' is not a text generation model", settings.model_id),
                "choose a decoder-only model");
  }
  const auto trained = static_cast<std::uint32_t>(llama_model_n_ctx_train(model.get()));
  const std::uint32_t parallel = settings.max_sequences ? settings.max_sequences : kDefaultSequences;
  llama_context_params params = llama_context_default_params();
  params.n_ctx = settings.context_tokens ? settings.context_tokens : std::min(trained, kDefaultContext);
  params.n_batch = settings.batch_tokens ? settings.batch_tokens : kDefaultBatch;
  params.n_ubatch = params.n_batch;
  params.n_seq_max = std::min(parallel * (1 + kIdleSequencesPerRunning),
                              static_cast<std::uint32_t>(llama_max_parallel_sequences()));
  params.n_outputs_max = params.n_seq_max;
  const auto cores = static_cast<std::int32_t>(usable_physical_cores());
  params.n_threads = settings.threads > 0 ? settings.threads : cores;
  params.n_threads_batch = settings.batch_threads > 0 ? settings.batch_threads : cores;
  params.type_k = cache;
  params.type_v = cache;
  params.kv_unified = true;
  params.swa_full = false;
  params.no_perf = true;
  ContextHandle context(llama_init_from_model(model.get(), params));
  if (!context) {
    return fail(ErrorCode::kOutOfMemory,
                std::format("no memory for a context of {} tokens of '{}' ({})", params.n_ctx,
                            settings.model_id, last_engine_error()),
                "lower engine.context_tokens, or set engine.cache_type = \"q8_0\"");
  }
  std::unique_ptr<LlamaModel> opened(new LlamaModel(std::move(model), std::move(context)));
  const LoadFigures figures = load_figures();
  ipc::Loaded& loaded = opened->loaded_;
  loaded.architecture = opened->metadata("general.architecture");
  loaded.context_tokens = llama_n_ctx(opened->context_.get());
  loaded.sequence_context_tokens = loaded.context_tokens;
  loaded.trained_context_tokens = trained;
  loaded.max_sequences = std::min(parallel, params.n_seq_max);
  loaded.vocabulary_size = static_cast<std::uint32_t>(opened->vocabulary_size());
  loaded.threads = params.n_threads;
  loaded.batch_threads = params.n_threads_batch;
  loaded.weights_bytes = static_cast<std::int64_t>(llama_model_size(opened->model_.get()));
  loaded.kv_bytes = figures.kv.value;
  loaded.compute_bytes = figures.compute.value;
  loaded.load_us = std::chrono::duration_cast<std::chrono::microseconds>(
                       std::chrono::steady_clock::now() - begin)
                       .count();
  return opened;
}

std::int32_t LlamaModel::context_tokens() const {
  return static_cast<std::int32_t>(llama_n_ctx(context_.get()));
}
std::int32_t LlamaModel::batch_tokens() const {
  return static_cast<std::int32_t>(llama_n_batch(context_.get()));
}
std::int32_t LlamaModel::sequences() const {
  return static_cast<std::int32_t>(llama_n_seq_max(context_.get()));
}
std::int32_t LlamaModel::vocabulary_size() const { return llama_vocab_n_tokens(vocabulary_); }

DecodeStatus LlamaModel::decode(std::span<const BatchToken> batch) {
  batch_.n_tokens = static_cast<std::int32_t>(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch_.token[i] = batch[i].token;
    batch_.pos[i] = batch[i].position;
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = batch[i].sequence;
    batch_.logits[i] = batch[i].want_logits ? 1 : 0;
  }
  const std::int32_t status = llama_decode(context_.get(), batch_);
  return status == 0 ? DecodeStatus::kOk : status == 1 ? DecodeStatus::kNoRoom : DecodeStatus::kFailed;
}

std::span<const float> LlamaModel::logits(std::int32_t index) {
  return {llama_get_logits_ith(context_.get(), index), static_cast<std::size_t>(vocabulary_size())};
}

bool LlamaModel::truncate(std::int32_t sequence, std::int32_t length) {
  llama_memory_t memory = llama_get_memory(context_.get());
  if (length > 0) {
    const bool holds_more = llama_memory_seq_pos_max(memory, sequence) >= length;
    bool possible = !holds_more || llama_memory_seq_rm(memory, sequence, length, -1);
    // A sliding window must still hold everything that the next token attends to.
    const std::int32_t window = llama_model_n_swa(model_.get());
    if (possible && holds_more && window > 0) {
      possible = llama_memory_seq_pos_min(memory, sequence) <= std::max(0, length - window);
    }
    if (possible && llama_memory_seq_pos_max(memory, sequence) == length - 1) return true;
  }
  llama_memory_seq_rm(memory, sequence, -1, -1);
  return length == 0;
}

bool LlamaModel::copy_prefix(std::int32_t from, std::int32_t to, std::int32_t length) {
  if (partial_state_) return false;
  llama_memory_seq_cp(llama_get_memory(context_.get()), from, to, 0, length);
  return true;
}

bool LlamaModel::is_end_of_generation(Token token) const {
  return llama_vocab_is_eog(vocabulary_, token);
}

namespace {

std::string to_piece(const llama_vocab* vocabulary, Token token, bool special) {
  std::string piece(32, '\0');
  std::int32_t size = llama_token_to_piece(vocabulary, token, piece.data(),
                                           static_cast<std::int32_t>(piece.size()), 0, special);
  if (size < 0) {
    piece.resize(static_cast<std::size_t>(-size));
    size = llama_token_to_piece(vocabulary, token, piece.data(), -size, 0, special);
  }
  piece.resize(static_cast<std::size_t>(std::max(size, 0)));
  return piece;
}

}  // namespace

std::string LlamaModel::piece(Token token) const { return to_piece(vocabulary_, token, false); }

std::string LlamaModel::token_text(Token token) const {
  return token < 0 ? std::string() : to_piece(vocabulary_, token, true);
}

std::string LlamaModel::bos_text() const { return token_text(llama_vocab_bos(vocabulary_)); }
std::string LlamaModel::eos_text() const { return token_text(llama_vocab_eos(vocabulary_)); }

std::vector<std::string> LlamaModel::control_texts() const {
  std::vector<std::string> texts;
  for (Token token = 0; token < vocabulary_size(); ++token) {
    if (!llama_vocab_is_control(vocabulary_, token)) continue;
    std::string text = token_text(token);
    if (text.size() > 1) texts.push_back(std::move(text));
  }
  return texts;
}

std::vector<Token> LlamaModel::tokenize(const std::vector<PromptPart>& parts,
                                        bool begin_of_text) const {
  std::vector<Token> tokens;
  const std::string bos = bos_text();
  const bool has_bos = !parts.empty() && !bos.empty() && parts.front().control_tokens &&
                       parts.front().text.starts_with(bos);
  bool add_special = begin_of_text && !has_bos;
  for (const PromptPart& part : parts) {
    // A token is at least one byte, and special ones are a few.
    std::vector<Token> buffer(part.text.size() + 8);
    std::int32_t count = llama_tokenize(vocabulary_, part.text.data(),
                                        static_cast<std::int32_t>(part.text.size()), buffer.data(),
                                        static_cast<std::int32_t>(buffer.size()), add_special,
                                        part.control_tokens);
    if (count < 0) {
      buffer.resize(static_cast<std::size_t>(-count));
      count = llama_tokenize(vocabulary_, part.text.data(), static_cast<std::int32_t>(part.text.size()),
                             buffer.data(), static_cast<std::int32_t>(buffer.size()), add_special,
                             part.control_tokens);
    }
    tokens.insert(tokens.end(), buffer.begin(), buffer.begin() + std::max(count, 0));
    add_special = false;
  }
  return tokens;
}

bool LlamaModel::has_token(std::string_view text) const {
  Token token[2];
  return llama_tokenize(vocabulary_, text.data(), static_cast<std::int32_t>(text.size()), token, 2,
                        false, true) == 1;
}

std::string LlamaModel::metadata(const char* key) const {
  char value[256];
  const std::int32_t size = llama_model_meta_val_str(model_.get(), key, value, sizeof value);
  return size < 0 ? std::string() : std::string(value);
}

std::string LlamaModel::file_template() const {
  const char* text = llama_model_chat_template(model_.get(), nullptr);
  return text == nullptr ? std::string() : std::string(text);
}

}  // namespace pensieve::engine
