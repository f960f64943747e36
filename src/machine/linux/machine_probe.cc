#include "machine/machine_probe.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "machine/linux/nvml.h"
#include "machine/linux/readings.h"

namespace pensieve {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The smallest room that the control groups above this process leave.
Bytes group_room(Bytes otherwise) {
  const std::string group = linux_readings::parse_group(content("/proc/self/cgroup"));
  if (group.empty()) return otherwise;
  Bytes room = otherwise;
  const fs::path root = "/sys/fs/cgroup";
  for (fs::path folder = root / fs::path(group).relative_path();; folder = folder.parent_path()) {
    for (const char* name : {"memory.max", "memory.high"}) {
      const auto limit = linux_readings::parse_limit(content(folder / name));
      if (limit)
        room =
            std::min(room, *limit - linux_readings::parse_group_use(content(folder / "memory.current"), content(folder / "memory.stat")));
    }
    if (folder == root || !folder.has_relative_path()) break;
  }
  return std::max(room, Bytes{0});
}

// Sensors that exist are looked up once: reading a folder tree each second would cost more than the
// readings.
std::vector<fs::path> temperature_files() {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& zone : fs::directory_iterator("/sys/class/thermal", error)) {
    if (zone.path().filename().string().starts_with("thermal_zone")) files.push_back(zone.path() / "temp");
  }
  for (const auto& chip : fs::directory_iterator("/sys/class/hwmon", error)) {
    const std::string name = content(chip.path() / "name");
    if (!name.starts_with("coretemp") && !name.starts_with("k10temp") && !name.starts_with("cpu") && !name.starts_with("amdgpu")) continue;
    for (const auto& entry : fs::directory_iterator(chip.path(), error)) {
      const std::string file = entry.path().filename().string();
      if (file.starts_with("temp") && file.ends_with("_input")) files.push_back(entry.path());
    }
  }
  return files;
}

class LinuxProbe final : public MachineProbe {
 public:
  LinuxProbe() : sensors_(temperature_files()), nvml_(Nvml::open()) {}

  [[nodiscard]] MachineReading read() override {
    const linux_readings::MemoryInfo memory = linux_readings::parse_meminfo(content("/proc/meminfo"));
    const std::string vmstat = content("/proc/vmstat");
    MachineReading reading{.memory_total = memory.total,
                           .memory_available = group_room(memory.available),
                           .swap_total = memory.swap_total,
                           .swap_free = memory.swap_free,
                           .mapped_files_are_available = true};
    const auto in = linux_readings::parse_vmstat(vmstat, "pswpin");
    const auto out = linux_readings::parse_vmstat(vmstat, "pswpout");
    if (in && out) reading.swapped_pages = *in + *out;
    set_pressure(reading);
    set_temperature(reading);
    return reading;
  }

  [[nodiscard]] MachineIdentity identity() const override {
    const std::string cpu = content("/proc/cpuinfo");
    return {.cpu = linux_readings::parse_cpu_name(cpu),
            .cores = static_cast<int>(std::thread::hardware_concurrency()),
            .memory = linux_readings::parse_meminfo(content("/proc/meminfo")).total,
            .tiles = linux_readings::parse_has_tiles(cpu)};
  }

 private:
  static void set_pressure(MachineReading& reading) {
    const auto pressure = linux_readings::parse_pressure(content("/proc/pressure/memory"));
    if (!pressure) return;
    reading.stall_percent = pressure->some_10s;
    // systemd-oomd acts at 60 % full stall; well before that a person notices.
    reading.pressure = pressure->full_10s > 20   ? MemoryPressure::kCritical
                       : pressure->some_10s > 10 ? MemoryPressure::kWarning
                                                 : MemoryPressure::kNormal;
  }

  void set_temperature(MachineReading& reading) const {
    const auto keep = [&](std::optional<Celsius> one) {
      if (one && (!reading.temperature || *reading.temperature < *one)) reading.temperature = one;
    };
    for (const fs::path& file : sensors_) keep(linux_readings::parse_temperature(content(file)));
    if (!nvml_) return;
    if (const auto gpu = nvml_->read()) {
      reading.gpu_total = gpu->total;
      reading.gpu_free = gpu->free;
      keep(gpu->temperature);
    }
  }

  std::vector<fs::path> sensors_;
  std::unique_ptr<Nvml> nvml_;
};

}  // namespace

std::unique_ptr<MachineProbe> system_probe() { return std::make_unique<LinuxProbe>(); }

}  // namespace pensieve
