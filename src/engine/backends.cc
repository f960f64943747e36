#include "engine/backends.h"

#include <spdlog/spdlog.h>

#include <format>
#include <mutex>
#include <regex>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "engine/llama_api.h"

namespace pensieve::engine {
namespace {

// What the log told since the last load began. libllama logs from the loading thread, but backends
// may log from theirs.
struct LogState {
  std::mutex mutex;
  std::string line;
  std::string last_error;
  LoadFigures figures;
};

LogState& log_state() {
  static LogState state;
  return state;
}

void note_figures(LogState& state, const std::string& line) {
  static const std::regex kBuffer(R"((KV|RS|compute) buffer size\s*=\s*([0-9.]+) MiB)");
  std::smatch match;
  if (!std::regex_search(line, match, kBuffer)) return;
  const Bytes bytes{static_cast<std::int64_t>(std::stod(match[2]) * 1024 * 1024)};
  (match[1] == "compute" ? state.figures.compute : state.figures.kv) += bytes;
}

void write_line(ggml_log_level level, std::string_view line) {
  switch (level) {
    case GGML_LOG_LEVEL_ERROR: spdlog::error("engine: {}", line); break;
    case GGML_LOG_LEVEL_WARN: spdlog::debug("engine warns: {}", line); break;
    default: spdlog::trace("engine: {}", line); break;
  }
}

// libllama writes lines in pieces; a piece without a line end is continued by the next.
void on_log(ggml_log_level level, const char* text, void* /*user_data*/) {
  LogState& state = log_state();
  const std::scoped_lock lock(state.mutex);
  state.line += text;
  if (!state.line.ends_with('\n')) return;
  state.line.pop_back();
  note_figures(state, state.line);
  if (level == GGML_LOG_LEVEL_ERROR) state.last_error = state.line;
  write_line(level, state.line);
  state.line.clear();
}

std::string kind_of(ggml_backend_dev_t device) {
  switch (ggml_backend_dev_type(device)) {
    case GGML_BACKEND_DEVICE_TYPE_CPU: return "cpu";
    case GGML_BACKEND_DEVICE_TYPE_GPU: return "gpu";
    case GGML_BACKEND_DEVICE_TYPE_IGPU: return "integrated_gpu";
    default: return "accelerator";
  }
}

}  // namespace

void forget_load_figures() {
  LogState& state = log_state();
  const std::scoped_lock lock(state.mutex);
  state.figures = {};
  state.last_error.clear();
}

LoadFigures load_figures() {
  LogState& state = log_state();
  const std::scoped_lock lock(state.mutex);
  return state.figures;
}

std::string last_engine_error() {
  LogState& state = log_state();
  const std::scoped_lock lock(state.mutex);
  return state.last_error;
}

void initialise_backends() {
  llama_log_set(on_log, nullptr);
  ggml_backend_load_all();
  llama_backend_init();
}

std::vector<ipc::Device> devices() {
  std::vector<ipc::Device> found;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    std::size_t free = 0;
    std::size_t total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    found.push_back({.name = ggml_backend_dev_name(device),
                     .description = ggml_backend_dev_description(device),
                     .kind = kind_of(device),
                     .memory_total = static_cast<std::int64_t>(total),
                     .memory_free = static_cast<std::int64_t>(free)});
  }
  return found;
}

std::string version() { return std::format("llama.cpp {}", llama_version()); }

}  // namespace pensieve::engine
