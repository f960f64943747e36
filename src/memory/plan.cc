#include "memory/plan.h"

#include <algorithm>
#include <array>
#include <format>

namespace pensieve::memory {
namespace {

constexpr std::uint32_t kStep = 256;
constexpr std::uint32_t kDefaultContext = 8192;
constexpr std::uint32_t kMostContext = 1U << 22U;
constexpr std::uint32_t kMostSequences = 256;  // of libllama

std::uint32_t trained_context(const gguf::ModelShape& model) {
  return model.context_length > 0 ? static_cast<std::uint32_t>(std::min<std::uint64_t>(model.context_length, kMostContext))
                                  : kDefaultContext;
}

// The layers of a card of its own that its memory holds, the output matrix counted as one more.
std::uint32_t fitting_layers(const gguf::ModelShape& model, const ContextSettings& settings, const MachineState& machine,
                             Placement placement) {
  if (!placement.separate_gpu || machine.gpu_memory <= Bytes{0}) return 0;
  constexpr Bytes kDriver = mebibytes(82);  // measured beside weights, cache and compute buffer
  for (auto count = static_cast<std::uint32_t>(model.layers.size()) + 1; count > 0; --count) {
    placement.gpu_layers = count;
    if (model_memory(model, settings, placement).gpu + kDriver <= machine.gpu_memory) return count;
  }
  return 0;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFits:
      return "fits";
    case Verdict::kFitsWithLessContext:
      return "fits with less context";
    case Verdict::kDoesNotFit:
      return "does not fit";
  }
  return "";
}

Check can_load(const ModelMemory& memory, const MachineState& machine) {
  const Bytes needed = memory.total() - memory.gpu;
  struct Bound {
    Bytes room;
    std::string_view words;
  };
  std::array<Bound, 3> bounds = {{{machine.limit - machine.ours, "models may use {} more"},
                                  {machine.available - machine.margin, "{} are free beyond the margin"},
                                  {machine.gpu_working_set, "the GPU may hold {}"}}};
  if (!machine.unified || machine.gpu_working_set <= Bytes{0}) bounds[2].room = bounds[0].room;
  const Bound& tightest = *std::ranges::min_element(bounds, {}, &Bound::room);
  Check check{.fits = needed <= tightest.room, .needed = needed, .budget = tightest.room};
  const std::string room = to_text(std::max(tightest.room, Bytes{0}));
  check.reason = std::format("it needs {} and {}", to_text(needed), std::vformat(tightest.words, std::make_format_args(room)));
  return check;
}

ContextSettings worker_settings(const gguf::ModelShape& model, std::uint32_t context_tokens, std::uint32_t parallel,
                                std::uint32_t batch_tokens, CacheType cache) {
  const bool costly = std::ranges::any_of(
      model.layers, [](const gguf::LayerShape& layer) { return layer.state != gguf::StateKind::kNone || layer.sliding; });
  const std::uint32_t active = std::max(parallel, 1U);
  // One more, where it costs nothing, through which pieces of conversations come and go.
  const std::uint32_t sequences = costly ? active : std::min(2 * active, kMostSequences - 1) + 1;
  return {.context_tokens = context_tokens,
          .sequences = sequences,
          .batch_tokens = std::max(batch_tokens, active),
          .outputs = sequences,
          .cache = cache};
}

std::uint32_t largest_context(const gguf::ModelShape& model, ContextSettings settings, const MachineState& machine,
                              const Placement& placement, const Extras& extras) {
  const auto fits = [&](std::uint32_t tokens) {
    settings.context_tokens = tokens;
    return can_load(model_memory(model, settings, placement, extras), machine).fits;
  };
  const std::uint32_t trained = trained_context(model);
  if (fits(trained)) return trained;
  if (!fits(kStep)) return 0;
  std::uint32_t low = 0;
  std::uint32_t high = trained / kStep;
  while (low < high) {
    const std::uint32_t middle = (low + high + 1) / 2;
    if (fits(middle * kStep)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return static_cast<std::uint32_t>(low * kContextShare) * kStep;
}

Plan plan(const gguf::ModelShape& model, const PlanRequest& request, const MachineState& machine) {
  const std::uint32_t trained = trained_context(model);
  const bool beyond = request.context_tokens > 0 && !request.within_trained;
  const std::uint32_t most = beyond ? kMostContext : trained;
  const std::uint32_t wished = std::min(request.context_tokens > 0 ? request.context_tokens : kDefaultContext, most);
  const std::uint32_t least = std::min(request.least_context, wished);
  std::optional<Plan> best;
  for (const CacheFormat& format : kCacheFormats) {
    if (request.cache && *request.cache != format.type) continue;
    Plan candidate;
    candidate.settings = worker_settings(model, wished, request.parallel, request.batch_tokens, format.type);
    Placement placement = request.placement;
    placement.gpu_layers = candidate.gpu_layers = fitting_layers(model, candidate.settings, machine, placement);
    candidate.largest_context = largest_context(model, candidate.settings, machine, placement, request.extras);
    candidate.memory = model_memory(model, candidate.settings, placement, request.extras);
    candidate.check = can_load(candidate.memory, machine);
    if (candidate.check.fits) {
      candidate.verdict = Verdict::kFits;
      candidate.largest_context = std::max(candidate.largest_context, wished);
    } else if (candidate.largest_context >= least) {
      candidate.verdict = Verdict::kFitsWithLessContext;
      candidate.settings.context_tokens = candidate.largest_context;
      candidate.memory = model_memory(model, candidate.settings, placement, request.extras);
      candidate.check = can_load(candidate.memory, machine);
    }
    if (candidate.verdict != Verdict::kDoesNotFit) return candidate;
    if (!best) best = candidate;
  }
  return best.value_or(Plan{});
}

}  // namespace pensieve::memory
