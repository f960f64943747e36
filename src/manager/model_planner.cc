#include "manager/model_planner.h"

#include <algorithm>
#include <format>

#include "memory/embedding_memory.h"

namespace pensieve {
namespace {

constexpr std::int64_t kDefaultContext = 8192;
constexpr std::int64_t kStartMs = 400;  // of a worker, until it reads
constexpr double kDiskBytesPerSecond = 1e9;

// A layout that plans do not know: full attention in every layer is an upper bound of its cache.
std::shared_ptr<const gguf::ModelShape> cautious_shape(const InstalledModel& model) {
  auto shape = std::make_shared<gguf::ModelShape>();
  shape->architecture = model.architecture;
  shape->parameters = shape->active_parameters = static_cast<std::uint64_t>(std::max<std::int64_t>(0, model.parameters));
  shape->context_length = static_cast<std::uint64_t>(std::max<std::int64_t>(0, model.context_length));
  shape->tensor_bytes = shape->file_bytes = Bytes{model.file_bytes};
  gguf::LayerShape layer{.attention = true, .heads = 1, .kv_heads = 1, .dense_bytes = Bytes{model.file_bytes}};
  layer.key_length = layer.value_length = static_cast<std::uint32_t>(std::clamp<std::int64_t>(model.kv_bytes_per_token / 4, 0, 1 << 30));
  shape->layers.push_back(layer);
  return shape;
}

// Compute buffers of 60 to 120 MB were measured for models of 0.1 to 8 B parameters.
constexpr Bytes kCautiousCompute = mebibytes(128);

}  // namespace

ModelPlanner::ModelPlanner(const Config& config, MachineProbe& probe, const PerformanceLedger& ledger)
    : engine_(config.engine),
      policy_{Bytes{config.memory.limit_bytes}, Bytes{config.memory.margin_bytes}},
      cache_is_fixed_(config.sources.contains("engine.cache_type") || config.engine.cache_type != EngineConfig{}.cache_type),
      probe_(probe),
      ledger_(ledger) {
  const MachineIdentity identity = probe.identity();
  identity_ = identity;
  mapped_counts_as_available_ = probe.read().mapped_files_are_available;
  profile_ = profile_for(identity.cpu, identity.memory);
  ledger.apply_kernels(profile_);
}

memory::MachineState ModelPlanner::machine() const { return memory::running_state(probe_.read(), identity_, policy_); }

std::int64_t ModelPlanner::wished_context(const InstalledModel& model) const {
  if (model.makes_embeddings) {
    const std::int64_t most = memory::kMostEmbeddingTokens;
    return model.context_length > 0 ? std::min(model.context_length, most) : most;
  }
  if (engine_.context_tokens > 0) return engine_.context_tokens;
  return model.context_length > 0 ? std::min(model.context_length, kDefaultContext) : kDefaultContext;
}

memory::Plan ModelPlanner::plan(const InstalledModel& model, const memory::MachineState& machine) const {
  if (model.makes_embeddings && model.shape) return memory::plan_embeddings(*model.shape, machine);
  memory::PlanRequest request{.context_tokens = static_cast<std::uint32_t>(wished_context(model)),
                              .within_trained = engine_.context_tokens == 0,
                              .parallel = static_cast<std::uint32_t>(engine_.parallel),
                              .batch_tokens = static_cast<std::uint32_t>(engine_.batch_tokens),
                              .placement = memory::placement_on(machine)};
  request.extras.projector = Bytes{model.projector_bytes};
  if (cache_is_fixed_) request.cache = memory::find_cache_type(engine_.cache_type);
  if (model.shape) return memory::plan(*model.shape, request, machine);
  request.extras.compute_reserved = kCautiousCompute;
  return memory::plan(*cautious_shape(model), request, machine);
}

TokensPerSecond ModelPlanner::corrected(const InstalledModel& model, store::MeasurementKind kind, memory::CacheType cache,
                                        std::int64_t depth, bool& measured) const {
  const auto shape = model.shape ? model.shape : cautious_shape(model);
  const auto predicted = [&](std::int64_t at) {
    const memory::Speed speed = memory::predict_speed(*shape, cache, profile_, at);
    return kind == store::MeasurementKind::kDecodeTps ? speed.decode : speed.prefill;
  };
  const auto figure = ledger_.find(model.fingerprint, kind, memory::format_of(cache).name, depth);
  measured = figure.has_value();
  return figure ? memory::corrected_speed(predicted(depth), predicted(figure->depth), {figure->value}) : predicted(depth);
}

Forecast ModelPlanner::forecast(const InstalledModel& model, memory::CacheType cache, std::int64_t depth) const {
  Forecast forecast;
  bool prefill_measured = false;
  forecast.prefill = corrected(model, store::MeasurementKind::kPrefillTps, cache, depth, prefill_measured);
  forecast.decode = corrected(model, store::MeasurementKind::kDecodeTps, cache, depth, forecast.measured);
  const auto load = ledger_.find(model.fingerprint, store::MeasurementKind::kLoadMs, "", 0);
  forecast.load_time = std::chrono::milliseconds(
      load ? static_cast<std::int64_t>(load->value)
           : kStartMs + static_cast<std::int64_t>(static_cast<double>(model.file_bytes) / kDiskBytesPerSecond * 1000));
  return forecast;
}

Bytes ModelPlanner::mapped_part(const InstalledModel& model, const memory::ModelMemory& memory) const {
  return mapped_counts_as_available_ ? std::min(Bytes{model.file_bytes}, memory.weights) : Bytes{0};
}

std::string reduction_words(const memory::Plan& plan, std::int64_t wished_context, memory::CacheType wished_cache) {
  std::string words;
  if (plan.settings.context_tokens < wished_context)
    words = std::format("a context of {} tokens instead of {}", plan.settings.context_tokens, wished_context);
  if (plan.settings.cache != wished_cache)
    words += std::format("{}a {} cache instead of {}", words.empty() ? "" : ", ", memory::format_of(plan.settings.cache).name,
                         memory::format_of(wished_cache).name);
  return words;
}

}  // namespace pensieve
