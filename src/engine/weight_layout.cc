#include "engine/weight_layout.h"

#include <gguf.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/llama_api.h"

namespace pensieve::engine {
namespace {

bool has_amx_kernels() {
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (cpu == nullptr) return false;
  const auto extra_types = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(
      ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), "ggml_backend_dev_get_extra_bufts"));
  if (extra_types == nullptr) return false;
  for (ggml_backend_buffer_type_t* type = extra_types(cpu); type != nullptr && *type != nullptr; ++type) {
    if (std::string_view(ggml_backend_buft_name(*type)) == "AMX") return true;
  }
  return false;
}

bool has_latent_attention(const std::string& path) {
  const std::unique_ptr<gguf_context, decltype(&gguf_free)> file(gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = nullptr}),
                                                                 &gguf_free);
  if (!file) return false;
  for (std::int64_t i = 0; i < gguf_get_n_kv(file.get()); ++i) {
    if (std::string_view(gguf_get_key(file.get(), i)).ends_with(".attention.kv_lora_rank")) return true;
  }
  return false;
}

}  // namespace

bool must_keep_file_layout(const std::string& path) { return has_amx_kernels() && has_latent_attention(path); }

}  // namespace pensieve::engine
