#include "machine/machine_probe.h"

#include <mach/mach.h>
#include <notify.h>
#include <sys/sysctl.h>

#include <string>
#include <thread>

#include "machine/mac/readings.h"
#include "machine/mac/smc.h"

namespace pensieve {
namespace {

template <typename T>
T sysctl_value(const char* name, T otherwise) {
  T value{};
  std::size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? value : otherwise;
}

std::string sysctl_text(const char* name) {
  char text[256] = {};
  std::size_t size = sizeof text - 1;
  return sysctlbyname(name, text, &size, nullptr, 0) == 0 ? std::string(text) : std::string();
}

std::optional<vm_statistics64_data_t> statistics() {
  vm_statistics64_data_t data{};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  const kern_return_t result = host_statistics64(mach_host_self(), HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&data), &count);
  return result == KERN_SUCCESS ? std::optional(data) : std::nullopt;
}

// Two thirds of the memory up to 36 GB and three quarters above are what Metal recommends; a
// limit that was set by hand counts instead.
Bytes working_set(Bytes memory) {
  const int set_by_hand = sysctl_value<int>("iogpu.wired_limit_mb", 0);
  if (set_by_hand > 0) return mebibytes(set_by_hand);
  constexpr Bytes kLarge = gigabytes(36);
  return memory > kLarge ? Bytes{memory.value / 4 * 3} : Bytes{memory.value / 3 * 2};
}

class MacProbe final : public MachineProbe {
 public:
  MacProbe() { has_thermal_ = notify_register_check("com.apple.system.thermalpressurelevel", &thermal_token_) == NOTIFY_STATUS_OK; }
  ~MacProbe() override {
    if (has_thermal_) notify_cancel(thermal_token_);
  }
  MacProbe(const MacProbe&) = delete;
  MacProbe& operator=(const MacProbe&) = delete;

  [[nodiscard]] MachineReading read() override {
    MachineReading reading{.memory_total = {sysctl_value<std::int64_t>("hw.memsize", 0)}};
    if (const auto data = statistics()) {
      const mac_readings::VmStatistics pages{data->free_count,        data->active_count,          data->inactive_count,
                                             data->speculative_count, data->compressor_page_count, data->purgeable_count};
      reading.memory_available = mac_readings::available(pages, static_cast<std::int64_t>(vm_kernel_page_size));
      reading.swapped_pages = static_cast<std::int64_t>(data->swapins + data->swapouts);
      reading.pressure = mac_readings::pressure_of(pages);
    }
    const auto told = mac_readings::pressure_of_level(sysctl_value<int>("kern.memorystatus_vm_pressure_level", 0));
    if (told != MemoryPressure::kUnknown) reading.pressure = told;
    const auto swap = sysctl_value<xsw_usage>("vm.swapusage", {});
    reading.swap_total = {static_cast<std::int64_t>(swap.xsu_total)};
    reading.swap_free = {static_cast<std::int64_t>(swap.xsu_avail)};
    reading.gpu_working_set = working_set(reading.memory_total);
    if (smc_) reading.temperature = smc_->hottest();
    std::uint64_t level = 0;
    if (has_thermal_ && notify_get_state(thermal_token_, &level) == NOTIFY_STATUS_OK) reading.thermal_level = static_cast<int>(level);
    return reading;
  }

  [[nodiscard]] MachineIdentity identity() const override {
    return {.cpu = sysctl_text("machdep.cpu.brand_string"),
            .cores = static_cast<int>(std::thread::hardware_concurrency()),
            .memory = {sysctl_value<std::int64_t>("hw.memsize", 0)},
            .unified = sysctl_value<int>("hw.optional.arm64", 0) == 1};
  }

 private:
  std::unique_ptr<Smc> smc_ = Smc::open();
  int thermal_token_ = 0;
  bool has_thermal_ = false;
};

}  // namespace

std::unique_ptr<MachineProbe> system_probe() { return std::make_unique<MacProbe>(); }

}  // namespace pensieve
