#include "engine/kernel_speed.h"

#include <gguf.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <format>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "base/statistics.h"
#include "engine/cores.h"
#include "engine/llama_api.h"
#include "engine/llama_log.h"

namespace pensieve::engine {
namespace {

struct GgufDeleter {
  void operator()(gguf_context* file) const { gguf_free(file); }
  void operator()(ggml_context* context) const { ggml_free(context); }
};

// A dense model of the usual make, with a small vocabulary so that its layers decide.
struct Make {
  std::int64_t layers;
  std::int64_t width;
  std::int64_t feed_forward;
  std::int64_t heads;
  std::int64_t kv_heads;
};
constexpr Make kWide{6, 1024, 2816, 16, 4};
// So little work a layer that its fixed cost shows.
constexpr Make kNarrow{24, 256, 768, 4, 2};
constexpr std::int64_t kVocabulary = 256;
constexpr int kPrompt = 128;
constexpr int kDecoded = 16;
constexpr int kDeep = 2048;  // tokens at which the cache's share of a step shows

constexpr auto kFormats = std::to_array<ggml_type>(
    {GGML_TYPE_Q4_0, GGML_TYPE_Q4_1, GGML_TYPE_Q8_0, GGML_TYPE_F16, GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K, GGML_TYPE_Q5_0});

// Matrix elements of all layers.
double elements_of(const Make& make) {
  const std::int64_t head = make.width / make.heads;
  const std::int64_t attention = make.width * (2 * make.width + 2 * make.kv_heads * head);
  return static_cast<double>(make.layers * (attention + 3 * make.width * make.feed_forward));
}

double bytes_of(const Make& make, ggml_type type) {
  return elements_of(make) / static_cast<double>(ggml_blck_size(type)) * static_cast<double>(ggml_type_size(type));
}

void set_metadata(gguf_context* file, const Make& make) {
  gguf_set_val_str(file, "general.architecture", "llama");
  const auto number = [&](const char* key, std::int64_t value) { gguf_set_val_u32(file, key, static_cast<std::uint32_t>(value)); };
  number("llama.block_count", make.layers);
  number("llama.context_length", 4096);
  number("llama.embedding_length", make.width);
  number("llama.feed_forward_length", make.feed_forward);
  number("llama.attention.head_count", make.heads);
  number("llama.attention.head_count_kv", make.kv_heads);
  number("llama.rope.dimension_count", make.width / make.heads);
  number("llama.vocab_size", kVocabulary);
  gguf_set_val_f32(file, "llama.attention.layer_norm_rms_epsilon", 1e-5F);
  gguf_set_val_str(file, "tokenizer.ggml.model", "no_vocab");
}

void add_tensors(gguf_context* file, ggml_context* context, const Make& make, ggml_type type) {
  const auto matrix = [&](const std::string& name, std::int64_t in, std::int64_t out, ggml_type kind) {
    ggml_tensor* tensor = ggml_new_tensor_2d(context, kind, in, out);
    ggml_set_name(tensor, name.c_str());
    gguf_add_tensor(file, tensor);
  };
  const auto vector = [&](const std::string& name, std::int64_t size) {
    ggml_tensor* tensor = ggml_new_tensor_1d(context, GGML_TYPE_F32, size);
    ggml_set_name(tensor, name.c_str());
    gguf_add_tensor(file, tensor);
  };
  const std::int64_t kv_width = make.width / make.heads * make.kv_heads;
  matrix("token_embd.weight", make.width, kVocabulary, GGML_TYPE_F16);
  vector("output_norm.weight", make.width);
  for (std::int64_t i = 0; i < make.layers; ++i) {
    const std::string layer = std::format("blk.{}.", i);
    vector(layer + "attn_norm.weight", make.width);
    matrix(layer + "attn_q.weight", make.width, make.width, type);
    matrix(layer + "attn_k.weight", make.width, kv_width, type);
    matrix(layer + "attn_v.weight", make.width, kv_width, type);
    matrix(layer + "attn_output.weight", make.width, make.width, type);
    vector(layer + "ffn_norm.weight", make.width);
    matrix(layer + "ffn_gate.weight", make.width, make.feed_forward, type);
    matrix(layer + "ffn_up.weight", make.width, make.feed_forward, type);
    matrix(layer + "ffn_down.weight", make.feed_forward, make.width, type);
  }
}

// Bytes that are a small or plain number in every format: real pages are read and real products
// formed, and no step meets an infinity.
constexpr char kFill = 0x3C;

Result<void> write_model(const std::filesystem::path& path, const Make& make, ggml_type type) {
  const std::unique_ptr<gguf_context, GgufDeleter> file(gguf_init_empty());
  const std::unique_ptr<ggml_context, GgufDeleter> context(ggml_init({.mem_size = 1 << 20, .mem_buffer = nullptr, .no_alloc = true}));
  set_metadata(file.get(), make);
  add_tensors(file.get(), context.get(), make, type);
  std::uint64_t data = 0;
  for (std::int64_t i = 0; i < gguf_get_n_tensors(file.get()); ++i)
    data = std::max<std::uint64_t>(data, gguf_get_tensor_offset(file.get(), i) + gguf_get_tensor_size(file.get(), i));
  const bool written = gguf_write_to_file(file.get(), path.c_str(), true);
  std::ofstream out(path, std::ios::binary | std::ios::app);
  const std::vector<char> fill(1 << 20, kFill);
  for (std::uint64_t left = (data + 31) / 32 * 32; left > 0;) {
    const std::uint64_t count = std::min<std::uint64_t>(left, fill.size());
    out.write(fill.data(), static_cast<std::streamsize>(count));
    left -= count;
  }
  out.close();
  if (!written || !out) return fail(ErrorCode::kIo, std::format("can't write {}", path.string()), "check the folder's free space");
  return {};
}

struct StepTimes {
  double decode = 0;       // seconds a token
  double prefill = 0;      // seconds a token
  double decode_deep = 0;  // seconds a token with kDeep tokens more in the cache
};

double seconds_of(llama_context* context, int count) {
  std::vector<llama_token> tokens(static_cast<std::size_t>(count), 5);
  const auto begin = std::chrono::steady_clock::now();
  if (llama_decode(context, llama_batch_get_one(tokens.data(), count)) != 0) return 0;
  llama_synchronize(context);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Real models are larger than the processor's caches, made-up ones need not be: before each token the
// caches are filled with something else, so that every weight comes from memory.
class CacheFlusher {
 public:
  void flush() {
    for (std::size_t i = 0; i < memory_.size(); i += kLine) {
      volatile unsigned char& byte = memory_[i];  // nobody reads it, and it must be written all the same
      byte = static_cast<unsigned char>(byte + 1);
    }
  }

 private:
  static constexpr std::size_t kLine = 64;
  std::vector<unsigned char> memory_ = std::vector<unsigned char>(96 << 20);
};

double decode_seconds(llama_context* context, CacheFlusher& caches) {
  std::vector<double> decodes;
  for (int i = 0; i < kDecoded; ++i) {
    caches.flush();
    decodes.push_back(seconds_of(context, 1));
  }
  return median(decodes);
}

double deep_decode(llama_context* context, CacheFlusher& caches) {
  for (int i = 0; i < kDeep / kPrompt; ++i) seconds_of(context, kPrompt);
  return decode_seconds(context, caches);
}

Result<StepTimes> time_model(const std::filesystem::path& path, int threads, bool deep) {
  const LlamaLogCapture log;
  try {
    llama_model_params parameters = llama_model_default_params();
    parameters.load_mode = LLAMA_LOAD_MODE_MMAP;
    const ModelHandle model(llama_model_load_from_file(path.c_str(), parameters));
    if (!model) return fail(ErrorCode::kUnsupported, "libllama refuses the made-up model: " + log.errors());
    llama_context_params settings = llama_context_default_params();
    settings.n_ctx = deep ? 512 + kDeep : 512;
    settings.n_batch = settings.n_ubatch = kPrompt;
    settings.n_outputs_max = 1;
    settings.n_threads = settings.n_threads_batch = threads > 0 ? threads : usable_cores();
    const ContextHandle context(llama_init_from_model(model.get(), settings));
    if (!context) return fail(ErrorCode::kUnsupported, "libllama refuses the made-up model: " + log.errors());
    seconds_of(context.get(), 1);  // touches all weights
    CacheFlusher caches;
    const double decode = decode_seconds(context.get(), caches);
    seconds_of(context.get(), kPrompt);
    const double prefill = std::min(seconds_of(context.get(), kPrompt), seconds_of(context.get(), kPrompt));
    StepTimes times{decode, prefill / kPrompt};
    if (deep) times.decode_deep = deep_decode(context.get(), caches);
    if (times.decode <= 0 || times.prefill <= 0) return fail(ErrorCode::kUnsupported, "the made-up model does not run");
    return times;
  } catch (const std::exception& error) {
    return fail(ErrorCode::kUnsupported, error.what());
  }
}

Result<StepTimes> time_format(const std::filesystem::path& folder, const Make& make, ggml_type type, int threads) {
  const std::filesystem::path path = folder / std::format("measuring-{}-{}.part", ggml_type_name(type), make.width);
  Result<void> written = write_model(path, make, type);
  Result<StepTimes> times =
      written ? time_model(path, threads, make.width == kNarrow.width) : Result<StepTimes>(std::unexpected(written.error()));
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return times;
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

}  // namespace

Result<KernelSpeed> measure_kernels(const std::filesystem::path& folder, int threads,
                                    const std::function<void(std::string_view)>& progress) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  KernelSpeed speed;
  // The fixed cost: two makes of one format, two unknowns (cost of a layer, speed of the kernel).
  const StepTimes wide = TRY(time_format(folder, kWide, GGML_TYPE_Q4_0, threads));
  const StepTimes narrow = TRY(time_format(folder, kNarrow, GGML_TYPE_Q4_0, threads));
  const double share = bytes_of(kNarrow, GGML_TYPE_Q4_0) / bytes_of(kWide, GGML_TYPE_Q4_0);
  const double fixed =
      (narrow.decode - share * wide.decode) / (static_cast<double>(kNarrow.layers) - share * static_cast<double>(kWide.layers));
  speed.layer_seconds = std::max(fixed, 0.0);
  // Each head of Q reads the whole cache of its K and V.
  const double macs = static_cast<double>(kNarrow.layers * kNarrow.width * 2) * (kDeep + 3 * kPrompt + kDecoded);
  speed.attention_macs = macs / std::max(narrow.decode_deep - narrow.decode, 1e-6);
  for (const ggml_type type : kFormats) {
    const std::string name = upper(ggml_type_name(type));
    progress(name);
    const StepTimes times = type == GGML_TYPE_Q4_0 ? wide : TRY(time_format(folder, kWide, type, threads));
    const double kernel = std::max(times.decode - speed.layer_seconds * static_cast<double>(kWide.layers), times.decode / 4);
    speed.decode_bytes[name] = bytes_of(kWide, type) / kernel;
    speed.prefill_macs[name] = elements_of(kWide) / times.prefill;
  }
  return speed;
}

}  // namespace pensieve::engine
