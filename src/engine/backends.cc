// The process-wide part of the engine: backends, devices, versions.
#include <format>

#include "engine/engine.h"
#include "engine/llama_api.h"
#include "engine/llama_log.h"

namespace pensieve::engine {
namespace {

std::string_view kind_of(enum ggml_backend_dev_type type) {
  switch (type) {
    case GGML_BACKEND_DEVICE_TYPE_CPU:
      return "cpu";
    case GGML_BACKEND_DEVICE_TYPE_GPU:
      return "gpu";
    case GGML_BACKEND_DEVICE_TYPE_IGPU:
      return "integrated_gpu";
    default:
      return "accelerator";
  }
}

}  // namespace

void initialise_backends() {
  route_llama_log();
  ggml_backend_load_all();
  llama_backend_init();
}

std::vector<ipc::Device> devices() {
  std::vector<ipc::Device> found;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_props properties{};
    ggml_backend_dev_get_props(ggml_backend_dev_get(i), &properties);
    const auto text = [](const char* value) { return std::string(value ? value : ""); };
    found.push_back({text(properties.name), text(properties.description), std::string(kind_of(properties.type)),
                     static_cast<std::int64_t>(properties.memory_total), static_cast<std::int64_t>(properties.memory_free)});
  }
  return found;
}

std::string version() { return std::format("llama.cpp {}", llama_version()); }

}  // namespace pensieve::engine
