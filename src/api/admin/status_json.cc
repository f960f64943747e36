#include "api/admin/status_json.h"

#include <glaze/glaze.hpp>
#include <optional>

#include "api/escaped_json.h"

template <>
struct glz::meta<pensieve::ModelState> {
  using enum pensieve::ModelState;
  static constexpr auto value =
      enumerate("unloaded", kUnloaded, "loading", kLoading, "ready", kReady, "unloading", kUnloading, "failed", kFailed);
};

namespace pensieve::api {
namespace health {  // glaze reads the names of fields only of types with linkage

struct Health {
  std::string_view status;
  std::optional<std::string> model;
  std::string_view model_state;
  std::int64_t memory_used_bytes = 0;
  std::int64_t memory_total_bytes = 0;
  std::int64_t uptime_seconds = 0;
  std::optional<double> score;
  std::string level;
};

}  // namespace health
namespace listing {

struct Models {
  std::vector<ModelStatus> models;
  std::vector<SkippedFile> skipped;
};

}  // namespace listing
namespace {

template <typename T>
std::string to_json(const T& value) {
  std::string text;
  if (glz::write<EscapedJson{{.skip_null_members = false}}>(value, text)) return "{}";
  return text;
}

}  // namespace

std::string status_json(const ServiceStatus& status) { return to_json(status); }

Result<ServiceStatus> parse_status(std::string_view json) {
  ServiceStatus status;
  if (const auto wrong = glz::read<glz::opts{.error_on_unknown_keys = false}>(status, json)) {
    return fail(ErrorCode::kInvalidArgument, "the status is not as expected: " + glz::format_error(wrong, json));
  }
  return status;
}

std::string models_json(const std::vector<ModelStatus>& models, const std::vector<SkippedFile>& skipped) {
  return to_json(listing::Models{models, skipped});
}

std::string model_json(const ModelStatus& model) { return to_json(model); }

std::string event_json(const ServerEvent& event) { return to_json(event); }

std::string health_json(const ServiceStatus& status) {
  health::Health answer{.status = status.default_model.empty() ? "no_model" : "ok",
                        .model = {},
                        .model_state = to_string(ModelState::kUnloaded),
                        .memory_used_bytes = status.memory_total - status.memory_available,
                        .memory_total_bytes = status.memory_total,
                        .uptime_seconds = status.uptime_seconds,
                        .score = {},
                        .level = {}};
  if (!status.default_model.empty()) answer.model = status.default_model;
  answer.score = status.monitor.score;
  answer.level = status.monitor.level;
  for (const ModelStatus& model : status.models) {
    if (model.id == status.default_model) answer.model_state = to_string(model.state);
  }
  return to_json(answer);
}

}  // namespace pensieve::api
