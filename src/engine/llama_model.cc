#include "engine/llama_model.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <format>
#include <utility>

#include "engine/cores.h"
#include "engine/llama_log.h"
#include "engine/model_file.h"
#include "engine/model_identity.h"

namespace pensieve::engine {
namespace {

constexpr std::uint32_t kDefaultContext = 8192;
constexpr std::uint32_t kMostContext = 1U << 22U;  // each cell costs some memory before any tensor
constexpr std::uint32_t kDefaultSequences = 8;
constexpr std::uint32_t kDefaultBatch = 512;
constexpr std::int32_t kMostThreads = 512;  // GGML_MAX_N_THREADS
constexpr std::size_t kWindowReach = 256;   // tokens that a window's cache may hold beyond it; looked at once loaded

Result<ggml_type> cache_type(const std::string& name) {
  constexpr std::pair<std::string_view, ggml_type> kTypes[] = {{"f16", GGML_TYPE_F16}, {"q8_0", GGML_TYPE_Q8_0}, {"q4_0", GGML_TYPE_Q4_0}};
  for (const auto& [known, type] : kTypes) {
    if (name == known) return type;
  }
  return fail(ErrorCode::kInvalidArgument, std::format("unknown cache type '{}'", name), "use f16, q8_0 or q4_0", "cache_type");
}

std::int32_t thread_count(std::int32_t wanted) { return wanted > 0 ? std::min(wanted, kMostThreads) : usable_cores(); }

// Sequences of the cache: as many idle ones again as active ones, where an idle one costs nothing
// but the cells it fills. Recurrent states and sliding windows are paid for by sequence.
std::uint32_t sequence_count(bool costly, std::uint32_t max_active) {
  const auto most = static_cast<std::uint32_t>(llama_max_parallel_sequences()) - 1;
  return costly ? max_active : std::min(2 * max_active, most);
}

Error context_error(const std::string& reasons) {
  if (reasons.contains("block size") || reasons.contains("lash Attention") || reasons.contains("flash_attn")) {
    return {ErrorCode::kInvalidArgument, "this model can't use the cache type: " + reasons, "use cache type f16", "cache_type"};
  }
  return {ErrorCode::kOutOfMemory, "no memory for the context: " + reasons, "use a smaller context, or a quantized cache type",
          "context_tokens"};
}

}  // namespace

LlamaModel::LlamaModel(ModelHandle model)
    : model_(std::move(model)),
      adapters_(model_.get()),
      vocabulary_(llama_model_get_vocab(model_.get())),
      keeps_state_(llama_model_is_recurrent(model_.get()) || llama_model_is_hybrid(model_.get())),
      sliding_window_(static_cast<std::size_t>(std::max(0, llama_model_n_swa(model_.get())))) {}

Result<std::unique_ptr<LlamaModel>> LlamaModel::open(const ipc::LoadModel& settings) {
  return open(TRY(open_model_file(settings)), settings);
}

Result<std::unique_ptr<LlamaModel>> LlamaModel::open(ModelHandle file, const ipc::LoadModel& settings) {
  std::unique_ptr<LlamaModel> model(new LlamaModel(std::move(file)));
  TRY_VOID(model->make_context(settings));
  model->open_projector(settings);
  return model;
}

Result<void> LlamaModel::make_context(const ipc::LoadModel& settings) {
  const auto trained = static_cast<std::uint32_t>(std::max(0, llama_model_n_ctx_train(model_.get())));
  const std::uint32_t max_active = settings.max_sequences > 0 ? settings.max_sequences : kDefaultSequences;
  if (max_active > llama_max_parallel_sequences()) {
    return fail(ErrorCode::kInvalidArgument, std::format("at most {} sequences", llama_max_parallel_sequences()), {}, "max_sequences");
  }
  if (settings.context_tokens > kMostContext) {
    return fail(ErrorCode::kInvalidArgument, std::format("at most {} tokens of context", kMostContext), {}, "context_tokens");
  }
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx =
      settings.context_tokens > 0 ? settings.context_tokens : std::min(trained > 0 ? trained : kDefaultContext, kDefaultContext);
  const bool costly = keeps_state_ || sliding_window_ > 0;
  limits_.sequences = sequence_count(costly, max_active);
  // One more where it costs nothing, through which pieces of the others come and go.
  parameters.n_seq_max = static_cast<std::uint32_t>(limits_.sequences) + (costly ? 0 : 1);
  parameters.n_batch = std::max(settings.batch_tokens > 0 ? settings.batch_tokens : kDefaultBatch, max_active);
  parameters.n_ubatch = parameters.n_batch;
  // A row of logits for each sequence, not for each token of a batch: the compute buffer of a large
  // vocabulary shrinks from hundreds of megabytes to a few.
  parameters.n_outputs_max = parameters.n_seq_max;
  parameters.n_threads = thread_count(settings.threads);
  parameters.n_threads_batch = thread_count(settings.batch_threads);
  parameters.type_k = parameters.type_v = TRY(cache_type(settings.cache_type));
  parameters.flash_attn_type = parameters.type_v == GGML_TYPE_F16 ? LLAMA_FLASH_ATTN_TYPE_AUTO : LLAMA_FLASH_ATTN_TYPE_ENABLED;
  parameters.kv_unified = true;
  parameters.swa_full = false;
  parameters.no_perf = true;
  parameters.abort_callback = [](void* flag) { return static_cast<std::atomic<bool>*>(flag)->load(std::memory_order_relaxed); };
  parameters.abort_callback_data = &aborted_;

  const LlamaLogCapture log;
  try {
    context_.reset(llama_init_from_model(model_.get(), parameters));
  } catch (const std::exception& error) {
    return std::unexpected(context_error(error.what()));
  }
  if (!context_) return std::unexpected(context_error(log.errors()));

  facts_.kv_bytes = sum_of_sizes(log.lines(), {"KV buffer size", "RS buffer size"}).value;
  facts_.compute_bytes = sum_of_sizes(log.lines(), {"compute buffer size", "output buffer size"}).value;
  set_limits(parameters, max_active);
  state_space_ = TRY(model_identity(settings.path)) + "-" + settings.cache_type + "-" + llama_version();
  if (settings.experts_used > 0) state_space_ += std::format("-{}-experts", settings.experts_used);
  return {};
}

// A model whose projector can't be used answers text as before.
void LlamaModel::open_projector(const ipc::LoadModel& settings) {
  if (settings.projector.empty()) return;
  auto projector = Projector::open({.path = settings.projector,
                                    .threads = facts_.batch_threads,
                                    .use_gpu = settings.gpu_layers != 0,
                                    .batch_tokens = limits_.batch_tokens},
                                   model_.get());
  facts_.reads_images = projector.has_value();
  if (projector) {
    projector_ = *std::move(projector);
  } else {
    facts_.projector_failure = projector.error().message;
    spdlog::warn("{} sees no images: {}", settings.model_id, facts_.projector_failure);
  }
}

void LlamaModel::set_limits(const llama_context_params& parameters, std::size_t max_active) {
  const llama_context* context = context_.get();
  const auto trained = static_cast<std::uint32_t>(std::max(0, llama_model_n_ctx_train(model_.get())));
  const std::uint32_t cells = llama_n_ctx_seq(context);
  limits_ = {.batch_tokens = llama_n_batch(context),
             .max_active = max_active,
             .sequences = limits_.sequences,
             .cells = cells,
             .sequence_tokens = trained > 0 ? std::min(cells, trained) : cells,
             .output_rows = parameters.n_outputs_max,
             // A recurrent state has taken every token in and can't be taken back. A sliding window can: libllama
             // only reuses cells that the first token of a batch does not see any more, and what is kept ends
             // behind that token.
             .takes_back = !keeps_state_};
  facts_.architecture = metadata("general.architecture");
  facts_.context_tokens = cells;
  facts_.sequence_context_tokens = static_cast<std::uint32_t>(limits_.sequence_tokens);
  facts_.trained_context_tokens = trained;
  facts_.max_sequences = static_cast<std::uint32_t>(max_active);
  facts_.vocabulary_size = static_cast<std::uint32_t>(vocabulary_.size());
  facts_.threads = parameters.n_threads;
  facts_.batch_threads = parameters.n_threads_batch;
  facts_.weights_bytes = static_cast<std::int64_t>(llama_model_size(model_.get()));
}

void LlamaModel::set_threads(std::int32_t decode, std::int32_t prefill) {
  const auto within = [](std::int32_t wanted, std::int32_t most) { return wanted > 0 ? std::min(wanted, most) : most; };
  llama_set_n_threads(context_.get(), within(decode, facts_.threads), within(prefill, facts_.batch_threads));
}

bool LlamaModel::warm_up() {
  const Token token = vocabulary_.begin_token().value_or(0);
  const BatchToken batch[] = {{token, 0, 0, true}};
  const DecodeOutcome outcome = decode(batch);
  llama_memory_clear(llama_get_memory(context_.get()), false);
  return outcome == DecodeOutcome::kDone;
}

std::string LlamaModel::metadata(const char* key) const {
  char value[256];
  const int length = llama_model_meta_val_str(model_.get(), key, value, sizeof value);
  return length < 0 ? std::string() : std::string(value);
}

std::string LlamaModel::chat_template() const {
  const char* text = llama_model_chat_template(model_.get(), nullptr);
  return text ? text : "";
}

DecodeOutcome LlamaModel::decode(std::span<const BatchToken> batch) {
  const std::size_t count = batch.size();
  arrays_.tokens.resize(count);
  arrays_.positions.resize(count);
  arrays_.sequence_counts.assign(count, 1);
  arrays_.sequences.resize(count);
  arrays_.sequence_pointers.resize(count);
  arrays_.outputs.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    arrays_.tokens[i] = batch[i].token;
    arrays_.positions[i] = batch[i].position;
    arrays_.sequences[i] = batch[i].sequence;
    arrays_.sequence_pointers[i] = &arrays_.sequences[i];
    arrays_.outputs[i] = batch[i].wants_logits ? 1 : 0;
  }
  return compute({static_cast<std::int32_t>(count), arrays_.tokens.data(), nullptr, arrays_.positions.data(),
                  arrays_.sequence_counts.data(), arrays_.sequence_pointers.data(), arrays_.outputs.data()});
}

DecodeOutcome LlamaModel::decode_image(const EncodableImage& image, std::size_t first, std::size_t count, SequenceId sequence,
                                       std::int32_t position) {
  const std::span<const float> rows = projector_ ? projector_->encode(image) : std::span<const float>();
  if (rows.empty()) return DecodeOutcome::kFailed;
  const std::size_t width = rows.size() / image.tokens().size();
  arrays_.positions.resize(count);
  arrays_.sequence_counts.assign(count, 1);
  arrays_.sequences.assign(count, sequence);
  arrays_.sequence_pointers.resize(count);
  arrays_.outputs.assign(count, 0);
  for (std::size_t i = 0; i < count; ++i) {
    arrays_.positions[i] = position + static_cast<llama_pos>(i);
    arrays_.sequence_pointers[i] = &arrays_.sequences[i];
  }
  if (image.whole()) llama_set_causal_attn(context_.get(), false);
  const DecodeOutcome outcome =
      compute({static_cast<std::int32_t>(count), nullptr, const_cast<float*>(rows.data() + first * width), arrays_.positions.data(),
               arrays_.sequence_counts.data(), arrays_.sequence_pointers.data(), arrays_.outputs.data()});
  if (image.whole()) llama_set_causal_attn(context_.get(), true);
  return outcome;
}

DecodeOutcome LlamaModel::compute(const llama_batch& batch) {
  try {
    switch (llama_decode(context_.get(), batch)) {
      case 0:
        llama_synchronize(context_.get());
        return DecodeOutcome::kDone;
      case 1:
        return DecodeOutcome::kNoSpace;
      case 2:
        return DecodeOutcome::kAborted;
      default:
        return aborted_ ? DecodeOutcome::kAborted : DecodeOutcome::kFailed;
    }
  } catch (const std::exception&) {
    return DecodeOutcome::kFailed;
  }
}

// Sets are compared by key: another load of the same is no change.
void LlamaModel::use_adapters(const AdapterSetPointer& adapters) {
  if ((adapters ? adapters->key : 0) == (adapters_in_use_ ? adapters_in_use_->key : 0)) return;
  std::vector<llama_adapter_lora*> handles;
  std::vector<float> scales;
  if (adapters) {
    for (const auto& adapter : adapters->adapters) handles.push_back(adapter->handle());
    scales = adapters->scales;
  }
  llama_set_adapters_lora(context_.get(), handles.data(), handles.size(), scales.data());
  adapters_in_use_ = adapters;
}

void LlamaModel::release_adapters() {
  if (!adapters_in_use_) return;
  const auto outdated = [](const std::shared_ptr<LoadedAdapter>& adapter) { return adapter->outdated.load(); };
  if (std::ranges::any_of(adapters_in_use_->adapters, outdated)) use_adapters(nullptr);
}

std::span<float> LlamaModel::logits(std::size_t index) {
  float* const row = llama_get_logits_ith(context_.get(), static_cast<std::int32_t>(index));
  return row ? std::span(row, vocabulary_.size()) : std::span<float>();
}

std::size_t LlamaModel::reusable_prefix(SequenceId sequence, std::size_t wanted) const {
  if (wanted == 0) return 0;
  const llama_memory_t memory = llama_get_memory(context_.get());
  const auto end = static_cast<std::size_t>(llama_memory_seq_pos_max(memory, sequence) + 1);
  if (wanted > end) return 0;
  if (keeps_state_) return wanted == end ? wanted : 0;
  if (sliding_window_ > 0) {
    // The next token looks at positions above `wanted - window`; older ones may be gone.
    const llama_pos first = llama_memory_seq_pos_min(memory, sequence);
    const auto needed = static_cast<llama_pos>(wanted - std::min(wanted, sliding_window_ - 1));
    return first >= 0 && first <= needed ? wanted : 0;
  }
  return wanted;
}

std::size_t LlamaModel::truncate(SequenceId sequence, std::size_t length) {
  const llama_memory_t memory = llama_get_memory(context_.get());
  if (length > 0 && llama_memory_seq_rm(memory, sequence, static_cast<llama_pos>(length), -1)) {
    return length;
  }
  llama_memory_seq_rm(memory, sequence, -1, -1);
  return 0;
}

void LlamaModel::copy(SequenceId from, SequenceId to, std::size_t length) {
  llama_memory_seq_cp(llama_get_memory(context_.get()), from, to, 0, static_cast<llama_pos>(length));
}

std::vector<char> LlamaModel::checkpoint(SequenceId sequence) {
  std::vector<char> state(llama_state_seq_get_size_ext(context_.get(), sequence, LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY));
  state.resize(llama_state_seq_get_data_ext(context_.get(), reinterpret_cast<std::uint8_t*>(state.data()), state.size(), sequence,
                                            LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY));
  return state;
}

bool LlamaModel::rewind(SequenceId sequence, std::size_t length, std::span<const char> checkpoint) {
  const llama_memory_t memory = llama_get_memory(context_.get());
  const std::size_t read = llama_state_seq_set_data_ext(context_.get(), reinterpret_cast<const std::uint8_t*>(checkpoint.data()),
                                                        checkpoint.size(), sequence, LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY);
  if (read == checkpoint.size() && llama_memory_seq_rm(memory, sequence, static_cast<llama_pos>(length), -1)) return true;
  llama_memory_seq_rm(memory, sequence, -1, -1);
  return false;
}

// Where a sequence's past is more than its cells, or its older cells are gone, only the whole is sound.
BatchModel::StateForm LlamaModel::state_form() const {
  if (keeps_state_) return {.divisible = false, .reach = 0};
  if (sliding_window_ > 0) return {.divisible = false, .reach = kWindowReach};
  return {.divisible = true};
}

std::vector<char> LlamaModel::save_state(SequenceId sequence, std::size_t begin, std::size_t end) {
  const llama_memory_t memory = llama_get_memory(context_.get());
  const bool piecewise = state_form().divisible;
  const SequenceId source = piecewise ? scratch() : sequence;
  if (piecewise) llama_memory_seq_cp(memory, sequence, source, static_cast<llama_pos>(begin), static_cast<llama_pos>(end));
  std::vector<char> state(llama_state_seq_get_size(context_.get(), source));
  const std::size_t written = llama_state_seq_get_data(context_.get(), reinterpret_cast<std::uint8_t*>(state.data()), state.size(), source);
  if (piecewise) llama_memory_seq_rm(memory, source, -1, -1);
  state.resize(written);
  return state;
}

bool LlamaModel::load_state(SequenceId sequence, std::size_t begin, std::size_t end, std::span<const char> state) {
  const llama_memory_t memory = llama_get_memory(context_.get());
  const bool piecewise = state_form().divisible;
  if (!piecewise && begin > 0) return false;
  const SequenceId target = piecewise ? scratch() : sequence;
  const LlamaLogCapture quiet;  // a lack of cells is no news
  const std::size_t read =
      llama_state_seq_set_data(context_.get(), reinterpret_cast<const std::uint8_t*>(state.data()), state.size(), target);
  const bool whole = read == state.size() && llama_memory_seq_pos_max(memory, target) + 1 == static_cast<llama_pos>(end);
  if (whole && piecewise) llama_memory_seq_cp(memory, target, sequence, static_cast<llama_pos>(begin), static_cast<llama_pos>(end));
  if (piecewise || !whole) llama_memory_seq_rm(memory, target, -1, -1);
  return whole;
}

}  // namespace pensieve::engine
