#include "engine/reservation.h"

#include <exception>
#include <format>
#include <map>

#include "engine/llama_api.h"
#include "engine/llama_log.h"
#include "engine/weight_layout.h"

// Exported by libllama 0.7 but not declared in its public header. Weak, so that a libllama without
// it still links; what is missing is then read from the log.
struct llama_memory_breakdown_data {
  std::size_t model = 0;
  std::size_t context = 0;
  std::size_t compute = 0;
};
std::map<ggml_backend_buffer_type_t, llama_memory_breakdown_data> llama_get_memory_breakdown(const llama_context* context)
    __attribute__((weak));

namespace pensieve::engine {
namespace {

Result<ggml_type> type_of(const std::string& name) {
  if (name == "f16") return GGML_TYPE_F16;
  if (name == "q8_0") return GGML_TYPE_Q8_0;
  if (name == "q4_0") return GGML_TYPE_Q4_0;
  return fail(ErrorCode::kInvalidArgument, std::format("unknown cache type '{}'", name), "use f16, q8_0 or q4_0", "cache_type");
}

Result<llama_context_params> parameters_of(const ReservationSettings& settings) {
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = settings.context_tokens;
  parameters.n_batch = parameters.n_ubatch = settings.batch_tokens;
  parameters.n_seq_max = settings.sequences;
  parameters.n_outputs_max = settings.outputs;
  parameters.type_k = parameters.type_v = TRY(type_of(settings.cache_type));
  parameters.flash_attn_type = settings.flash_attention ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
  parameters.kv_unified = settings.unified;
  parameters.swa_full = false;
  return parameters;
}

Result<Reservation> reserve_context(llama_model* model, const ReservationSettings& settings) {
  const llama_context_params parameters = TRY(parameters_of(settings));
  const LlamaLogCapture log;
  ContextHandle context;
  try {
    context.reset(llama_init_from_model(model, parameters));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidArgument, error.what());
  }
  if (!context) return fail(ErrorCode::kInvalidArgument, "libllama refuses these settings: " + log.errors());
  Reservation reservation;
  if (llama_get_memory_breakdown == nullptr) {
    reservation.compute = sum_of_sizes(log.lines(), {"compute buffer size"});
    return reservation;
  }
  for (const auto& [type, bytes] : llama_get_memory_breakdown(context.get())) {
    reservation.weights += Bytes{static_cast<std::int64_t>(bytes.model)};
    reservation.cache += Bytes{static_cast<std::int64_t>(bytes.context)};
    reservation.compute += Bytes{static_cast<std::int64_t>(bytes.compute)};
  }
  return reservation;
}

}  // namespace

Result<std::vector<Reservation>> reserve(const std::string& path, const std::vector<ReservationSettings>& settings) {
  llama_model_params parameters = llama_model_default_params();
  parameters.no_alloc = true;
  parameters.load_mode = LLAMA_LOAD_MODE_NONE;  // mapping the file is not possible without memory
  parameters.use_extra_bufts = !must_keep_file_layout(path);
  ModelHandle model;
  {
    const LlamaLogCapture log;
    try {
      model.reset(llama_model_load_from_file(path.c_str(), parameters));
    } catch (const std::exception& error) {
      return fail(ErrorCode::kUnsupported, std::format("{}: {}", path, error.what()));
    }
    if (!model) return fail(ErrorCode::kUnsupported, std::format("{}: {}", path, log.errors()));
  }
  std::vector<Reservation> reservations;
  for (const ReservationSettings& one : settings) reservations.push_back(TRY(reserve_context(model.get(), one)));
  return reservations;
}

}  // namespace pensieve::engine
