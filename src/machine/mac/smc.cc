#include "machine/mac/smc.h"

#include <dlfcn.h>
#include <mach/mach.h>

#include <algorithm>
#include <string>
#include <type_traits>

#include "machine/mac/readings.h"

namespace pensieve {
namespace {

// The structure that the controller's driver exchanges: 80 bytes.
struct KeyInfo {
  std::uint32_t size = 0;
  std::uint32_t type = 0;
  std::uint8_t attributes = 0;
};
struct Exchange {
  std::uint32_t key = 0;
  std::uint8_t version[6] = {};
  std::uint8_t limits[16] = {};
  KeyInfo info;
  std::uint8_t result = 0;
  std::uint8_t status = 0;
  std::uint8_t command = 0;
  std::uint32_t index = 0;
  std::uint8_t bytes[32] = {};
};
static_assert(sizeof(Exchange) == 80);

constexpr std::uint32_t kStructMethod = 2;
constexpr std::uint8_t kReadKey = 5;
constexpr std::uint8_t kKeyAtIndex = 8;
constexpr std::uint8_t kReadInfo = 9;
constexpr std::uint32_t kMostKeys = 10'000;

constexpr std::uint32_t code(const char (&text)[5]) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8U | static_cast<std::uint8_t>(text[i]);
  return value;
}

std::string text_of(std::uint32_t key) {
  return {static_cast<char>(key >> 24U), static_cast<char>(key >> 16U), static_cast<char>(key >> 8U), static_cast<char>(key)};
}

}  // namespace

// IOKit's functions by their C signatures; its objects are Mach ports, its dictionaries are opaque here.
struct Smc::Library {
  void* handle = nullptr;
  void* (*matching)(const char*) = nullptr;
  mach_port_t (*service)(mach_port_t, void*) = nullptr;
  kern_return_t (*open)(mach_port_t, task_port_t, std::uint32_t, mach_port_t*) = nullptr;
  kern_return_t (*close)(mach_port_t) = nullptr;
  kern_return_t (*release)(mach_port_t) = nullptr;
  kern_return_t (*call)(mach_port_t, std::uint32_t, const void*, std::size_t, void*, std::size_t*) = nullptr;

  Library() : handle(dlopen("/System/Library/Frameworks/IOKit.framework/IOKit", RTLD_LAZY | RTLD_LOCAL)) {}
  ~Library() {
    if (handle != nullptr) dlclose(handle);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  bool find() {
    if (handle == nullptr) return false;
    const auto symbol = [&](auto& target, const char* name) {
      target = reinterpret_cast<std::remove_reference_t<decltype(target)>>(dlsym(handle, name));
      return target != nullptr;
    };
    return symbol(matching, "IOServiceMatching") && symbol(service, "IOServiceGetMatchingService") && symbol(open, "IOServiceOpen") &&
           symbol(close, "IOServiceClose") && symbol(release, "IOObjectRelease") && symbol(call, "IOConnectCallStructMethod");
  }

  // False if the driver refuses or the controller reports an error.
  bool exchange(mach_port_t connection, Exchange& data) const {
    Exchange answer;
    std::size_t size = sizeof answer;
    if (call(connection, kStructMethod, &data, sizeof data, &answer, &size) != KERN_SUCCESS || answer.result != 0) return false;
    data = answer;
    return true;
  }
};

Smc::Smc(std::unique_ptr<Library> library, std::uint32_t connection) : library_(std::move(library)), connection_(connection) {}

Smc::~Smc() { library_->close(connection_); }

std::unique_ptr<Smc> Smc::open() {
  auto library = std::make_unique<Library>();
  if (!library->find()) return nullptr;
  const mach_port_t service = library->service(MACH_PORT_NULL, library->matching("AppleSMC"));
  if (service == MACH_PORT_NULL) return nullptr;
  mach_port_t connection = MACH_PORT_NULL;
  const kern_return_t opened = library->open(service, mach_task_self(), 0, &connection);
  library->release(service);
  if (opened != KERN_SUCCESS) return nullptr;
  std::unique_ptr<Smc> smc(new Smc(std::move(library), connection));
  smc->find_sensors();
  return smc->sensors_.empty() ? nullptr : std::move(smc);
}

// Looked up once: the controller has some thousand keys.
void Smc::find_sensors() {
  Exchange count{.key = code("#KEY"), .info = {.size = 4}, .command = kReadKey};
  if (!library_->exchange(connection_, count)) return;
  const std::uint32_t keys =
      std::min(kMostKeys, static_cast<std::uint32_t>(count.bytes[0]) << 24U | static_cast<std::uint32_t>(count.bytes[1]) << 16U |
                              static_cast<std::uint32_t>(count.bytes[2]) << 8U | count.bytes[3]);
  for (std::uint32_t i = 0; i < keys; ++i) {
    Exchange at{.command = kKeyAtIndex, .index = i};
    if (!library_->exchange(connection_, at) || !mac_readings::is_temperature_key(text_of(at.key))) continue;
    Exchange info{.key = at.key, .command = kReadInfo};
    if (library_->exchange(connection_, info) && info.info.type == code("flt ") && info.info.size == 4) sensors_.push_back(at.key);
  }
}

std::optional<Celsius> Smc::hottest() const {
  std::optional<Celsius> hottest;
  for (const std::uint32_t key : sensors_) {
    Exchange read{.key = key, .info = {.size = 4}, .command = kReadKey};
    if (!library_->exchange(connection_, read)) continue;
    const auto one = mac_readings::smc_temperature({read.bytes[0], read.bytes[1], read.bytes[2], read.bytes[3]});
    if (one && (!hottest || *hottest < *one)) hottest = one;
  }
  return hottest;
}

}  // namespace pensieve
