#include "engine/llama_embeddings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <format>
#include <span>
#include <string_view>

#include "engine/cores.h"
#include "engine/llama_log.h"
#include "engine/vector_math.h"

namespace pensieve::engine {
namespace {

constexpr std::size_t kMostInputTokens = 8192;
constexpr std::size_t kMostWithoutPooling = 2048;           // the context's memory stands beside the plan of the model
constexpr std::size_t kBatchBesideStreams = 16;             // so that they hardly wait for it
constexpr std::size_t kMostLogits = std::size_t{8} << 20U;  // computed beside the vectors, and of no use
// Trained so that the first numbers of a vector are a shorter one (Matryoshka). Files do not say so.
constexpr std::array<std::string_view, 7> kMatryoshka = {"nomic-embed-text-v1.5", "qwen3-embedding", "embeddinggemma",
                                                         "embedding-gemma",       "mxbai-embed",     "jina-embeddings-v3",
                                                         "arctic-embed-m-v1.5"};

std::string metadata(const llama_model* model, const std::string& key) {
  std::array<char, 256> value{};
  const int length = llama_model_meta_val_str(model, key.c_str(), value.data(), value.size());
  return length < 0 ? std::string() : std::string(value.data());
}

enum llama_pooling_type pooling_of(const llama_model* model) {
  const std::string text = metadata(model, metadata(model, "general.architecture") + ".pooling_type");
  int type = LLAMA_POOLING_TYPE_NONE;
  std::from_chars(text.data(), text.data() + text.size(), type);
  return static_cast<enum llama_pooling_type>(type);
}

// Not causal: each token sees the whole text, which has to be computed in one step.
bool reads_forward(const llama_model* model) {
  return metadata(model, metadata(model, "general.architecture") + ".attention.causal") != "false";
}

// A model that reads the whole text and does not say how its vectors become one gives their mean.
enum llama_pooling_type pooling_to_use(const llama_model* model) {
  const enum llama_pooling_type said = pooling_of(model);
  return said == LLAMA_POOLING_TYPE_NONE && !reads_forward(model) ? LLAMA_POOLING_TYPE_MEAN : said;
}

bool matryoshka(const llama_model* model) {
  std::string name = metadata(model, "general.name") + " " + metadata(model, "general.basename");
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return c == ' ' || c == '_' ? '-' : static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(kMatryoshka, [&](std::string_view known) { return name.contains(known); });
}

std::vector<llama_token> tokenize(const llama_vocab* vocabulary, std::string_view text) {
  std::vector<llama_token> tokens(text.size() + 16);
  const auto length = static_cast<std::int32_t>(text.size());
  std::int32_t count =
      llama_tokenize(vocabulary, text.data(), length, tokens.data(), static_cast<std::int32_t>(tokens.size()), true, false);
  if (count < 0) {
    tokens.resize(static_cast<std::size_t>(-count));
    count = llama_tokenize(vocabulary, text.data(), length, tokens.data(), static_cast<std::int32_t>(tokens.size()), true, false);
  }
  tokens.resize(static_cast<std::size_t>(std::max(count, 0)));
  return tokens;
}

}  // namespace

bool made_for_embeddings(const llama_model* model) { return pooling_to_use(model) != LLAMA_POOLING_TYPE_NONE; }

LlamaEmbeddings::LlamaEmbeddings(const llama_model* model, std::int32_t threads, std::uint32_t most_tokens)
    : model_(const_cast<llama_model*>(model)),  // libllama's functions take it so, and do not change it
      vocabulary_(llama_model_get_vocab(model)),
      threads_(threads > 0 ? threads : usable_cores()),
      pooling_(pooling_to_use(model)),
      pools_here_(reads_forward(model) && pooling_ != LLAMA_POOLING_TYPE_CLS),
      width_(static_cast<std::size_t>(llama_model_n_embd_out(model))) {
  const auto trained = static_cast<std::size_t>(std::max(0, llama_model_n_ctx_train(model)));
  const std::size_t most = pooling_ == LLAMA_POOLING_TYPE_NONE ? kMostWithoutPooling : kMostInputTokens;
  input_tokens_ = trained > 0 ? std::min(trained, most) : most;
  if (most_tokens > 0) input_tokens_ = std::min<std::size_t>(input_tokens_, most_tokens);
  const auto vocabulary = static_cast<std::size_t>(std::max(1, llama_vocab_n_tokens(vocabulary_)));
  batch_tokens_ = pools_here_ ? std::min(input_tokens_, std::clamp<std::size_t>(kMostLogits / vocabulary, 16, 256)) : input_tokens_;
}

Result<void> LlamaEmbeddings::open_context() {
  if (context_) return {};
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = static_cast<std::uint32_t>(input_tokens_);
  parameters.n_batch = parameters.n_ubatch = parameters.n_outputs_max = static_cast<std::uint32_t>(batch_tokens_);
  parameters.n_seq_max = 1;
  parameters.n_threads = parameters.n_threads_batch = threads_;
  parameters.embeddings = true;
  parameters.pooling_type = pools_here_ ? LLAMA_POOLING_TYPE_NONE : pooling_;
  parameters.no_perf = true;
  parameters.abort_callback = [](void* flag) { return static_cast<std::atomic<bool>*>(flag)->load(std::memory_order_relaxed); };
  parameters.abort_callback_data = &aborted_;
  const LlamaLogCapture log;
  context_.reset(llama_init_from_model(model_, parameters));
  if (context_) return {};
  return fail(ErrorCode::kOutOfMemory, "no memory for a context that computes embeddings: " + log.errors(),
              "free memory, or use a smaller model");
}

Result<std::size_t> LlamaEmbeddings::dimensions_of(const EmbeddingRequest& request) const {
  const std::int32_t wanted = request.dimensions.value_or(static_cast<std::int32_t>(width_));
  if (wanted == static_cast<std::int32_t>(width_)) return width_;
  if (!matryoshka(model_)) {
    return fail(ErrorCode::kInvalidArgument, std::format("dimensions: this model's vectors have {} and can't be shortened", width_),
                "leave it out, or use a model trained for shorter vectors", "dimensions");
  }
  if (wanted >= 1 && static_cast<std::size_t>(wanted) < width_) return static_cast<std::size_t>(wanted);
  return fail(ErrorCode::kInvalidArgument, std::format("dimensions: must be from 1 to {}", width_), {}, "dimensions");
}

Result<std::vector<llama_token>> LlamaEmbeddings::tokens_of(const EmbeddingRequest& request, std::size_t index) const {
  const EmbeddingInput& input = request.inputs[index];
  std::vector<llama_token> tokens = input.is_tokens ? input.tokens : tokenize(vocabulary_, input.text);
  const std::int32_t vocabulary = llama_vocab_n_tokens(vocabulary_);
  for (const llama_token token : tokens) {
    if (token >= 0 && token < vocabulary) continue;
    return fail(ErrorCode::kInvalidArgument, std::format("input has token {}, which this model does not have", token), {}, "input");
  }
  if (tokens.empty()) return fail(ErrorCode::kInvalidArgument, std::format("input {} is empty", index), "leave it out", "input");
  if (tokens.size() <= input_tokens_) return tokens;
  if (!request.truncate) {
    return fail(ErrorCode::kContextOverflow,
                std::format("input {} is too long: {} tokens > {} maximum", index, tokens.size(), input_tokens_), {}, "input");
  }
  // The token that ends a text stays at its end.
  const llama_token last = tokens.back();
  tokens.resize(input_tokens_);
  if (llama_vocab_is_control(vocabulary_, last)) tokens.back() = last;
  return tokens;
}

Result<void> LlamaEmbeddings::compute(const std::vector<llama_token>& tokens, std::size_t begin, std::size_t end) {
  const std::size_t count = end - begin;
  std::vector<llama_token> part(tokens.begin() + static_cast<std::ptrdiff_t>(begin), tokens.begin() + static_cast<std::ptrdiff_t>(end));
  std::vector<llama_pos> positions(count);
  std::vector<std::int32_t> sequence_counts(count, 1);
  llama_seq_id sequence = 0;
  std::vector<llama_seq_id*> sequences(count, &sequence);
  std::vector<std::int8_t> outputs(count, 1);
  for (std::size_t i = 0; i < count; ++i) positions[i] = static_cast<llama_pos>(begin + i);
  const llama_batch batch{static_cast<std::int32_t>(count), part.data(),      nullptr,       positions.data(),
                          sequence_counts.data(),           sequences.data(), outputs.data()};
  const bool has_memory = llama_get_memory(context_.get()) != nullptr;
  const int outcome = has_memory ? llama_decode(context_.get(), batch) : llama_encode(context_.get(), batch);
  if (aborted_) return fail(ErrorCode::kCancelled, "the engine is stopping");
  if (outcome != 0)
    return fail(ErrorCode::kInternal, "the model can't compute embeddings of this input", "the log has the engine's reason");
  llama_synchronize(context_.get());
  return {};
}

Result<std::vector<float>> LlamaEmbeddings::vector_of(const std::vector<llama_token>& tokens, const TakeTurns& others) {
  if (const llama_memory_t memory = llama_get_memory(context_.get())) llama_memory_clear(memory, false);
  std::vector<float> vector(width_);
  const bool last_only = pooling_ == LLAMA_POOLING_TYPE_LAST;
  std::size_t end = 0;
  for (std::size_t begin = 0; begin < tokens.size(); begin = end) {
    const bool alone = !others || !others();
    const std::size_t most = pools_here_ && !alone ? std::min(kBatchBesideStreams, batch_tokens_) : batch_tokens_;
    end = std::min(begin + most, tokens.size());
    TRY_VOID(compute(tokens, begin, end));
    if (!pools_here_) {
      const float* pooled = llama_get_embeddings_seq(context_.get(), 0);
      if (pooled == nullptr) return fail(ErrorCode::kUnsupported, "this model gives no embeddings", "use an embedding model");
      return std::vector(pooled, pooled + width_);
    }
    for (std::size_t i = last_only ? end - begin - 1 : 0; i < end - begin; ++i) {
      const float* one = llama_get_embeddings_ith(context_.get(), static_cast<std::int32_t>(i));
      if (one == nullptr) return fail(ErrorCode::kUnsupported, "this model gives no embeddings", "use an embedding model");
      if (last_only) std::ranges::fill(vector, 0.0F);
      add_to(vector, std::span(one, width_));
    }
  }
  return vector;
}

Result<Embeddings> LlamaEmbeddings::embed(const EmbeddingRequest& request, const TakeTurns& others) {
  if (pooling_ == LLAMA_POOLING_TYPE_RANK) {
    return fail(ErrorCode::kUnsupported, "this model ranks texts and gives no embeddings", "use an embedding model", "model");
  }
  const std::size_t dimensions = TRY(dimensions_of(request));
  std::vector<std::vector<llama_token>> inputs;
  Embeddings answer;
  for (std::size_t i = 0; i < request.inputs.size(); ++i) {
    inputs.push_back(TRY(tokens_of(request, i)));
    answer.prompt_tokens += static_cast<std::int64_t>(inputs.back().size());
  }
  TRY_VOID(open_context());
  for (const std::vector<llama_token>& tokens : inputs) {
    std::vector<float> vector = TRY(vector_of(tokens, others));
    vector.resize(dimensions);
    normalise(vector);
    answer.vectors.push_back(std::move(vector));
  }
  return answer;
}

}  // namespace pensieve::engine
