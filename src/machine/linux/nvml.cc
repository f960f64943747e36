#include "machine/linux/nvml.h"

#include <dlfcn.h>

#include <algorithm>

namespace pensieve {
namespace {

// As the library's header lays them out (version 2 of the memory figures leaves out what the driver
// keeps for itself).
struct MemoryV2 {
  unsigned int version = sizeof(MemoryV2) | (2U << 24U);
  unsigned long long total = 0;
  unsigned long long reserved = 0;
  unsigned long long free = 0;
  unsigned long long used = 0;
};
using Device = void*;

struct LibraryDeleter {
  void operator()(void* library) const { dlclose(library); }
};

}  // namespace

struct Nvml::Functions {
  std::unique_ptr<void, LibraryDeleter> library;
  int (*shutdown)() = nullptr;
  int (*count)(unsigned int*) = nullptr;
  int (*handle)(unsigned int, Device*) = nullptr;
  int (*memory)(Device, MemoryV2*) = nullptr;
  int (*temperature)(Device, int, unsigned int*) = nullptr;
};

Nvml::Nvml(std::unique_ptr<Functions> functions) : functions_(std::move(functions)) {}

Nvml::~Nvml() { functions_->shutdown(); }

std::unique_ptr<Nvml> Nvml::open() {
  auto functions = std::make_unique<Functions>();
  functions->library.reset(dlopen("libnvidia-ml.so.1", RTLD_LAZY | RTLD_LOCAL));
  if (!functions->library) return nullptr;
  const auto find = [&](auto& target, const char* name) {
    target = reinterpret_cast<std::remove_reference_t<decltype(target)>>(dlsym(functions->library.get(), name));
    return target != nullptr;
  };
  int (*start)() = nullptr;
  const bool complete = find(start, "nvmlInit_v2") && find(functions->shutdown, "nvmlShutdown") &&
                        find(functions->count, "nvmlDeviceGetCount_v2") && find(functions->handle, "nvmlDeviceGetHandleByIndex_v2") &&
                        find(functions->memory, "nvmlDeviceGetMemoryInfo_v2") && find(functions->temperature, "nvmlDeviceGetTemperature");
  if (!complete || start() != 0) return nullptr;
  return std::unique_ptr<Nvml>(new Nvml(std::move(functions)));
}

std::optional<GpuReading> Nvml::read() const {
  unsigned int cards = 0;
  if (functions_->count(&cards) != 0 || cards == 0) return std::nullopt;
  GpuReading reading;
  for (unsigned int i = 0; i < cards; ++i) {
    Device device = nullptr;
    MemoryV2 memory;
    if (functions_->handle(i, &device) != 0 || functions_->memory(device, &memory) != 0) continue;
    reading.total += Bytes{static_cast<std::int64_t>(memory.total)};
    reading.free += Bytes{static_cast<std::int64_t>(memory.free)};
    unsigned int degrees = 0;
    if (functions_->temperature(device, 0, &degrees) == 0) {
      reading.temperature = Celsius{std::max(reading.temperature.value_or(Celsius{}).value, static_cast<double>(degrees))};
    }
  }
  return reading;
}

}  // namespace pensieve
