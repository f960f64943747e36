#include "engine/model_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <format>
#include <fstream>

#include "engine/file_pages.h"
#include "engine/llama_log.h"
#include "engine/weight_layout.h"

namespace pensieve::engine {
namespace {

constexpr std::string_view kMagic = "GGUF";

Result<void> check_readable(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return fail(ErrorCode::kNotFound, std::format("there is no model file {}", path), "check the path");
  }
  if (!std::filesystem::is_regular_file(status)) {
    return fail(ErrorCode::kIo, std::format("{} is not a file", path), "name a .gguf file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kIo, std::format("can't read {}: {}", path, std::strerror(errno)), "check the file's permissions");
  }
  std::array<char, kMagic.size()> start{};
  file.read(start.data(), start.size());
  if (std::string_view(start.data(), static_cast<std::size_t>(file.gcount())) != kMagic) {
    return fail(ErrorCode::kUnsupported, std::format("{} is not a GGUF file", path),
                "convert the model to GGUF, or download a GGUF file of it");
  }
  return {};
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text.contains(word)) return true;
  }
  return false;
}

Error load_error(const std::string& path, const std::string& reasons) {
  const std::string message = std::format("can't load {}: {}", path, reasons);
  if (contains_any(reasons, {"unknown model architecture", "unsupported", "unknown pre-tokenizer", "unknown tokenizer"})) {
    return {ErrorCode::kUnsupported, message, "use a model that this llama.cpp knows", {}};
  }
  if (contains_any(reasons, {"unable to allocate", "failed to allocate", "out of memory", "bad_alloc", "OutOfDeviceMemory"})) {
    return {ErrorCode::kOutOfMemory, message, "free memory, use a smaller model or fewer GPU layers", {}};
  }
  return {ErrorCode::kIo, message, "the file is damaged or incomplete: download it again", {}};
}

Result<void> check_generates(const llama_model* model, const std::string& path) {
  const char* kind = nullptr;
  if (!llama_model_has_decoder(model)) kind = "has no decoder (an embedding model?)";
  if (llama_model_has_encoder(model)) kind = "has an encoder";
  if (llama_model_is_diffusion(model)) kind = "is a diffusion model";
  if (llama_vocab_type(llama_model_get_vocab(model)) == LLAMA_VOCAB_TYPE_NONE) {
    kind = "has no vocabulary";
  }
  if (kind == nullptr) return {};
  return fail(ErrorCode::kUnsupported, std::format("the model in {} {}", path, kind), "use a decoder-only language model");
}

}  // namespace

Result<ModelHandle> open_model_file(const ipc::LoadModel& settings) {
  TRY_VOID(check_readable(settings.path));
  llama_model_params parameters = llama_model_default_params();
  parameters.n_gpu_layers = settings.gpu_layers;
  llama_model_kv_override overrides[2] = {};  // ends with an empty key
  if (settings.experts_used > 0) {
    overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_INT;
    std::format_to_n(overrides[0].key, sizeof overrides[0].key - 1, "{}.expert_used_count", settings.architecture);
    overrides[0].val_i64 = settings.experts_used;
    parameters.kv_overrides = overrides;
  }
  parameters.use_extra_bufts = !must_keep_file_layout(settings.path);
  if (llama_supports_mmap()) parameters.load_mode = LLAMA_LOAD_MODE_MMAP;

  const LlamaLogCapture log;
  ModelHandle model;
  try {
    model.reset(llama_model_load_from_file(settings.path.c_str(), parameters));
  } catch (const std::exception& error) {
    return std::unexpected(load_error(settings.path, error.what()));
  }
  if (!model) return std::unexpected(load_error(settings.path, log.errors()));
  TRY_VOID(check_generates(model.get(), settings.path));
  // What kernels keep in a layout of their own is no longer read from the file.
  if (sum_of_sizes(log.lines(), {"_REPACK model buffer size", " AMX model buffer size"}) > Bytes{0}) release_file_pages(settings.path);
  return model;
}

}  // namespace pensieve::engine
