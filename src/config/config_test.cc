#include "config/config.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <format>
#include <fstream>

#include "base/sha256.h"

namespace pensieve {
namespace {

class ConfigFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              std::format("pensieve-config-{}-{}", getpid(), testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    paths_ = *find_paths({{"PENSIEVE_HOME", folder_.string()}});
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Result<Config> load(const std::string& text, std::map<std::string, std::string> environment = {}) {
    std::ofstream(paths_.config_file) << text;
    return load_config(paths_, environment);
  }
  std::filesystem::path folder_;
  Paths paths_;
};

TEST_F(ConfigFile, EnvironmentWinsOverTheFileAndTheFileOverDefaults) {
  const auto config = load("[server]\nport = 1234\nhost = \"::1\"\n", {{"PENSIEVE_SERVER_PORT", "99"}});
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server.port, 99);
  EXPECT_EQ(config->server.host, "::1");
  EXPECT_EQ(config->engine.parallel, 8);
}

TEST_F(ConfigFile, EachValueTellsWhereItComesFrom) {
  auto config = load("[server]\nport = 1234\nhost = \"::1\"\n[aliases]\nmine = \"auto\"\n", {{"PENSIEVE_SERVER_PORT", "99"}});
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_TRUE(set_config_value(*config, "log.level", "debug"));
  const auto source = [&](std::string_view key) { return to_string(find_config_entry(*config, key).value().source); };
  EXPECT_EQ(source("server.port"), "environment");
  EXPECT_EQ(source("server.host"), "file");
  EXPECT_EQ(source("log.level"), "flag");
  EXPECT_EQ(source("engine.parallel"), "default");
  EXPECT_EQ(source("aliases.mine"), "file");
  EXPECT_EQ(source("aliases.claude-*"), "default");
}

TEST_F(ConfigFile, AnUnknownKeyNamesItsLineAndTheNearestKnownOne) {
  const auto config = load("[server]\nhost = \"::1\"\nprot = 1\n");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(":3: unknown setting 'server.prot'"), std::string::npos) << config.error().message;
  EXPECT_NE(config.error().advice.find("'server.port'"), std::string::npos);
}

TEST_F(ConfigFile, ValuesOutOfRangeOrOfAnotherTypeAreErrors) {
  for (const char* text : {"[server]\nport = 70000\n", "[server]\nport = \"x\"\n", "[server]\nport = 1.5\n", "[engine]\nspare_worker = 3\n",
                           "[engine]\ncache_type = \"q9\"\n", "port = 3\n", "[server\n", "[models]\npaths = [1]\n", "[aliases]\nx = 3\n"}) {
    EXPECT_FALSE(load(text)) << text;
  }
}

TEST_F(ConfigFile, ApiKeysAreKeptAsHashesOnly) {
  const auto config = load("[server]\napi_keys = [\"secret\", \"sha256:abc\"]\n");
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server.api_key_hashes, (std::vector<std::string>{"sha256:" + sha256_hex("secret"), "sha256:abc"}));
  for (const ConfigEntry& entry : describe_config(*config)) {
    EXPECT_EQ(entry.value.find("secret"), std::string::npos);
  }
}

TEST_F(ConfigFile, EveryKeyTakesBackTheValueThatItShows) {
  Config config;
  for (const ConfigEntry& entry : describe_config(config)) {
    EXPECT_TRUE(set_config_value(config, entry.key, entry.value)) << entry.key;
    EXPECT_FALSE(entry.help.empty()) << entry.key;
  }
  EXPECT_FALSE(set_config_value(config, "no.such", "1"));
}

}  // namespace
}  // namespace pensieve
