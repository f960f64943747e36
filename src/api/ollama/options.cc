#include <algorithm>
#include <format>

#include "api/ollama/request.h"

namespace pensieve::api::ollama {
namespace {

constexpr double kMost = 2e9;
constexpr std::int32_t kWholePrompt = 1 << 20;  // the longest window that the engine takes

// Ollama's own defaults (its API documentation, "parameters").
Sampling default_sampling() {
  Sampling sampling;
  sampling.temperature = 0.8F;
  sampling.top_k = 40;
  sampling.top_p = 0.9F;
  sampling.repetition_penalty = 1.1F;
  return sampling;
}

Result<void> parse_stop(const Fields& options, GenerationRequest& request) {
  const Json* stop = options.find("stop");
  if (stop == nullptr) return {};
  if (stop->is_string()) {
    request.stop = {stop->get_string()};
  } else {
    const Json::array_t* stops = TRY(options.array("stop"));
    if (stops->size() > 64) return options.wrong("stop", "more than 64 strings");
    for (const Json& one : *stops) {
      if (!one.is_string()) return options.wrong("stop", "must hold strings");
      request.stop.push_back(one.get_string());
    }
  }
  std::erase(request.stop, "");
  return {};
}

Result<void> parse_sampling(const Fields& options, Sampling& sampling) {
  const auto real = [&](const char* name, double low, double high, float& value) -> Result<void> {
    if (const auto given = TRY(options.number(name, low, high))) value = static_cast<float>(*given);
    return {};
  };
  TRY_VOID(real("temperature", 0, 100, sampling.temperature));
  TRY_VOID(real("top_p", 0, 1, sampling.top_p));
  TRY_VOID(real("min_p", 0, 1, sampling.min_p));
  TRY_VOID(real("presence_penalty", -2, 2, sampling.presence_penalty));
  TRY_VOID(real("frequency_penalty", -2, 2, sampling.frequency_penalty));
  TRY_VOID(real("repeat_penalty", 0, 10, sampling.repetition_penalty));
  if (sampling.repetition_penalty == 0) sampling.repetition_penalty = 1;
  if (const auto top_k = TRY(options.integer("top_k", -1, static_cast<std::int64_t>(kMost)))) {
    sampling.top_k = static_cast<std::int32_t>(std::max<std::int64_t>(*top_k, 0));
  }
  if (const auto window = TRY(options.integer("repeat_last_n", -1, kWholePrompt))) {
    sampling.penalty_last_n = *window < 0 ? kWholePrompt : static_cast<std::int32_t>(*window);
  }
  // Negative: random.
  const auto seed = TRY(options.integer("seed", -(std::int64_t{1} << 53), std::int64_t{1} << 53));
  if (seed && *seed >= 0) sampling.seed = static_cast<std::uint32_t>(*seed);
  return {};
}

}  // namespace

Result<void> parse_options(const Fields& body, ParsedRequest& parsed) {
  GenerationRequest& request = parsed.generation;
  request.sampling = default_sampling();
  const Json* value = body.find("options");
  if (value == nullptr) return {};
  const Fields options = TRY(Fields::of(*value, "options"));
  TRY_VOID(parse_sampling(options, request.sampling));
  TRY_VOID(parse_stop(options, request));
  // 0 and less: until the model stops.
  const auto most = TRY(options.integer("num_predict", -2, std::int64_t{1} << 40));
  if (most && *most > 0) request.max_tokens = *most;
  TRY_VOID(options.integer("num_ctx", 0, std::int64_t{1} << 40));
  // The server plans these itself, from the machine and the model.
  for (const char* planned : {"num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "num_keep", "use_mmap", "use_mlock", "numa",
                              "low_vram", "typical_p", "tfs_z", "mirostat", "mirostat_eta", "mirostat_tau", "penalize_newline"}) {
    if (options.find(planned)) parsed.ignored.push_back(std::format("options.{}", planned));
  }
  return {};
}

}  // namespace pensieve::api::ollama
