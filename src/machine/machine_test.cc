#include <gtest/gtest.h>

#include "machine/mac/readings.h"
#include "machine/machine_probe.h"
#include "machine/profile.h"
#ifdef __linux__
#include "machine/linux/readings.h"
#endif

namespace pensieve {
namespace {

#ifdef __linux__
using namespace linux_readings;

// Recorded on Linux 6.1.
constexpr std::string_view kMeminfo =
    "MemTotal:       24680116 kB\nMemFree:        20191460 kB\nMemAvailable:   23213340 kB\nBuffers: 100 kB\nSwapTotal:       2097148 "
    "kB\nSwapFree:        1048576 kB\n";
constexpr std::string_view kVmstat = "nr_free_pages 5047865\npswpin 12\npswpout 340\npswpout_other 9\npgmajfault 1234\n";

TEST(LinuxReadings, MemoryAndSwap) {
  const MemoryInfo info = parse_meminfo(kMeminfo);
  EXPECT_EQ(info.total, kibibytes(24680116));
  EXPECT_EQ(info.available, kibibytes(23213340));
  EXPECT_EQ(info.swap_free, kibibytes(1048576));
  EXPECT_EQ(parse_vmstat(kVmstat, "pswpout"), 340);
  EXPECT_EQ(parse_vmstat(kVmstat, "pgmajfault"), 1234);
  EXPECT_FALSE(parse_vmstat(kVmstat, "pgsteal"));
  EXPECT_EQ(parse_meminfo("").total, Bytes{0});
}

TEST(LinuxReadings, PressureLimitsAndGroups) {
  const auto pressure = parse_pressure("some avg10=3.21 avg60=1.00 avg300=0.10 total=12\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=3\n");
  ASSERT_TRUE(pressure);
  EXPECT_DOUBLE_EQ(pressure->some_10s, 3.21);
  EXPECT_DOUBLE_EQ(pressure->full_10s, 0.5);
  EXPECT_FALSE(parse_pressure(""));
  EXPECT_FALSE(parse_limit("max\n"));
  EXPECT_EQ(parse_limit("1073741824\n"), Bytes{1073741824});
  EXPECT_EQ(parse_group_use("5000\n", "anon 100\ninactive_file 1500\nactive_file 20\n"), Bytes{3500});
  EXPECT_EQ(parse_group("12:cpu:/x\n0::/user.slice/a.scope\n"), "/user.slice/a.scope");
}

TEST(LinuxReadings, TemperaturesOfAbsentSensorsAreNone) {
  EXPECT_DOUBLE_EQ(parse_temperature("54500\n")->value, 54.5);
  for (const char* absent : {"0\n", "-40000\n", "127000\n", "", "x"}) EXPECT_FALSE(parse_temperature(absent)) << absent;
  EXPECT_EQ(parse_cpu_name("processor : 0\nmodel name\t: AMD EPYC 9B45\n"), "AMD EPYC 9B45");
  EXPECT_TRUE(parse_has_tiles("processor : 0\nflags\t\t: fpu avx512_vnni amx_bf16 amx_tile amx_int8\nbugs : amx\n"));
  EXPECT_FALSE(parse_has_tiles("processor : 0\nflags\t\t: fpu avx512_vnni avx512_bf16\nbugs : amx_tile amx_int8\n"));
  EXPECT_FALSE(parse_has_tiles(""));
}

TEST(MachineProbe, ReadsTheRunningMachine) {
  const auto probe = system_probe();
  const MachineReading reading = probe->read();
  EXPECT_GT(reading.memory_total, Bytes{0});
  EXPECT_GT(reading.memory_available, Bytes{0});
  EXPECT_LE(reading.memory_available, reading.memory_total);
  EXPECT_GE(probe->identity().cores, 1);
  EXPECT_EQ(probe->identity().fingerprint(), system_probe()->identity().fingerprint());
}
#endif

TEST(MacReadings, PressureFollowsTheKernelsFormula) {
  using namespace mac_readings;
  // 16 KiB pages of a 16 GB machine; WARN below half, CRITICAL below 0.343 of what is not wired.
  VmStatistics calm{
      .free = 200'000, .active = 200'000, .inactive = 150'000, .speculative = 20'000, .compressor = 100'000, .purgeable = 5'000};
  EXPECT_EQ(pressure_of(calm), MemoryPressure::kNormal);
  VmStatistics tight = calm;
  tight.compressor = 600'000;
  EXPECT_EQ(pressure_of(tight), MemoryPressure::kWarning);
  tight.compressor = 1'200'000;
  EXPECT_EQ(pressure_of(tight), MemoryPressure::kCritical);
  EXPECT_EQ(pressure_of_level(1), MemoryPressure::kNormal);
  EXPECT_EQ(pressure_of_level(2), MemoryPressure::kWarning);
  EXPECT_EQ(pressure_of_level(4), MemoryPressure::kCritical);
  EXPECT_EQ(pressure_of_level(9), MemoryPressure::kUnknown);
  EXPECT_EQ(available(calm, 16384).value, (200'000LL + 150'000 + 20'000) * 16384);
}

TEST(MacReadings, SmcFloatsAreTemperaturesInAPlausibleRange) {
  using mac_readings::smc_temperature;
  EXPECT_NEAR(smc_temperature({0x00, 0x00, 0x5A, 0x42})->value, 54.5, 0.01);  // little-endian float
  EXPECT_FALSE(smc_temperature({0, 0, 0, 0}));
  EXPECT_TRUE(mac_readings::is_temperature_key("Tp01"));
  EXPECT_TRUE(mac_readings::is_temperature_key("Tg0f"));
  EXPECT_FALSE(mac_readings::is_temperature_key("PSTR"));
}

TEST(Profiles, AreWholeAndFoundByNameAndByChip) {
  EXPECT_GE(known_profiles().size(), 20U);
  EXPECT_EQ(find_profile("m1-16gb")->memory, mebibytes(16 * 1024));
  EXPECT_NE(find_profile("m9").error().advice.find("m1-16gb"), std::string::npos);
  EXPECT_EQ(profile_for("Apple M1 Pro", mebibytes(32 * 1024)).name, "m1-pro-32gb");
  EXPECT_EQ(profile_for("AMD EPYC", mebibytes(24 * 1024)).memory, mebibytes(24 * 1024));
  EXPECT_FALSE(parse_profiles("[x]\nmemory_gib = 1"));
}

}  // namespace
}  // namespace pensieve
