#include "manager/model_status.h"

#include <algorithm>
#include <chrono>
#include <format>

namespace pensieve {

std::string_view to_string(ModelState state) {
  switch (state) {
    case ModelState::kUnloaded:
      return "unloaded";
    case ModelState::kLoading:
      return "loading";
    case ModelState::kReady:
      return "ready";
    case ModelState::kUnloading:
      return "unloading";
    case ModelState::kFailed:
      return "failed";
  }
  return "unloaded";
}

std::int64_t seconds_between(SteadyTime from, SteadyTime to) { return std::chrono::duration_cast<std::chrono::seconds>(to - from).count(); }

std::int64_t idle_limit_seconds(const Resident& resident, std::int64_t configured) {
  if (resident.keep) return resident.keep->count();
  return configured > 0 ? configured : -1;
}

ModelStatus describe_model(const InstalledModel& model, const Resident* resident, std::int64_t wished_context, std::int32_t parallel,
                           SteadyTime now) {
  ModelStatus status{.id = model.id,
                     .aliases = model.aliases,
                     .path = model.path,
                     .architecture = model.architecture,
                     .makes_embeddings = model.makes_embeddings,
                     .capabilities = {},
                     .projector = model.projector,
                     .quantization = model.quantization,
                     .parents = model.parents,
                     .file_bytes = model.file_bytes,
                     .parameters = model.parameters,
                     .created_unix = model.modified_unix,
                     .trained_context_tokens = model.context_length,
                     .context_tokens = wished_context};
  const bool refused = resident != nullptr && resident->state == ModelState::kReady && !resident->loaded.reads_images;
  if (!model.projector.empty() && !refused) status.capabilities.emplace_back("vision");
  if (refused && !resident->loaded.projector_failure.empty()) status.state_reason = "sees no images: " + resident->loaded.projector_failure;
  if (resident == nullptr) return status;
  status.state = resident->state;
  status.pinned = resident->pinned;
  if (resident->failure && resident->state == ModelState::kFailed) {
    status.state_reason = resident->failure->text();
    if (const auto left = resident->backoff.left(now); left.count() > 0 && !resident->refused) {
      status.state_reason += std::format("; tried again in {} s at the earliest", left.count());
    }
  }
  if (!resident->worker) return status;
  status.worker_pid = resident->worker->process().pid;
  status.resident_bytes = resident_memory(status.worker_pid).value;
  status.planned_bytes = resident->planned.value;
  status.measured_bytes = std::max(resident->measured.value, status.resident_bytes);
  status.mapped_bytes = resident->mapped.value;
  status.cache_type = resident->cache_type;
  status.reduced = resident->reduced;
  if (resident->state != ModelState::kReady) return status;
  status.context_tokens = resident->loaded.sequence_context_tokens;
  status.weights_bytes = resident->loaded.weights_bytes;
  status.kv_bytes = resident->loaded.kv_bytes;
  status.compute_bytes = resident->loaded.compute_bytes;
  status.load_ms = resident->loaded.load_us / 1000;
  status.active_requests = std::min(resident->leases, parallel);
  status.waiting_requests = resident->leases - status.active_requests;
  status.recent_uses = resident->likelihood(now);
  status.idle_seconds = resident->leases > 0 ? 0 : seconds_between(resident->last_use, now);
  return status;
}

}  // namespace pensieve
