#include "engine/cores.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace pensieve::engine {
namespace {

class Cores : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() /
            ("pensieve-cores-" + std::to_string(getpid()) + "-" + testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& file, const std::string& content) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << content;
  }

  std::filesystem::path root_;
};

TEST_F(Cores, CountsTwoHardwareThreadsOfACoreOnce) {
  for (int cpu = 0; cpu < 4; ++cpu) {
    write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list", cpu % 2 == 0 ? "0,2\n" : "1,3\n");
  }
  EXPECT_EQ(detail::distinct_cores(root_, {0, 1, 2, 3}), 2);
  EXPECT_EQ(detail::distinct_cores(root_, {1, 3}), 1);
}

TEST_F(Cores, CountsCpusOfUnknownTopologyAsCores) { EXPECT_EQ(detail::distinct_cores(root_, {4, 5, 6}), 3); }

TEST_F(Cores, TakesTheLeastQuotaOfAGroupAndItsAncestors) {
  write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/a/cpu.max", "250000 100000\n");
  write("sys/fs/cgroup/cpu.max", "800000 100000\n");
  EXPECT_EQ(detail::quota_cores(root_, "0::/a/b\n"), 3);
}

TEST_F(Cores, ReadsVersionOneQuotas) {
  write("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_quota_us", "50000\n");
  write("sys/fs/cgroup/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(detail::quota_cores(root_, "5:memory:/x\n4:cpu,cpuacct:/x\n"), 1);
}

TEST_F(Cores, FindsNoQuotaWhereThereIsNone) {
  EXPECT_EQ(detail::quota_cores(root_, "0::/\n"), 0);
  EXPECT_EQ(detail::quota_cores(root_, ""), 0);
}

TEST(UsableCores, AreAtLeastOne) { EXPECT_GE(usable_cores(), 1); }

}  // namespace
}  // namespace pensieve::engine
