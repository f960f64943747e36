#include <glaze/glaze.hpp>

#include "api/admin/routes.h"

template <>
struct glz::meta<pensieve::ModelState> {
  using enum pensieve::ModelState;
  static constexpr auto value = enumerate("unloaded", kUnloaded, "loading", kLoading, "ready", kReady, "unloading", kUnloading, "failed", kFailed);
};

// Plain aggregates with the JSON's field names; glaze writes them as they stand.
namespace pensieve::api::admin {
namespace {

struct StatusView {
  std::string version;
  std::int64_t uptime_seconds = 0;
  std::string default_model;
  std::int64_t memory_total = 0;
  std::int64_t memory_available = 0;
  std::int64_t supervisor_resident_bytes = 0;
  std::uint64_t requests_total = 0;
  std::uint64_t requests_failed = 0;
  std::int64_t prompt_tokens_total = 0;
  std::int64_t cached_prompt_tokens_total = 0;
  std::int64_t completion_tokens_total = 0;
  std::int32_t spare_workers = 0;
  std::uint64_t workers_lost = 0;
  std::vector<ModelStatus> models;
  std::vector<SkippedFile> skipped;
};

}  // namespace

std::string status_json(const ServiceStatus& status, const std::string& version) {
  const StatusView view{.version = version,
                        .uptime_seconds = status.uptime_seconds,
                        .default_model = status.default_model,
                        .memory_total = status.memory_total,
                        .memory_available = status.memory_available,
                        .supervisor_resident_bytes = status.supervisor_resident_bytes,
                        .requests_total = status.requests_total,
                        .requests_failed = status.requests_failed,
                        .prompt_tokens_total = status.prompt_tokens_total,
                        .cached_prompt_tokens_total = status.cached_prompt_tokens_total,
                        .completion_tokens_total = status.completion_tokens_total,
                        .spare_workers = status.spare_workers,
                        .workers_lost = status.workers_lost,
                        .models = status.models,
                        .skipped = status.skipped};
  std::string out;
  if (glz::write_json(view, out)) out = "{}";
  return out;
}

}  // namespace pensieve::api::admin
