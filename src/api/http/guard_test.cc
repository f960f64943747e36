#include "api/http/guard.h"

#include <gtest/gtest.h>

#include "base/sha256.h"

namespace pensieve::api {
namespace {

TEST(Guard, TakesLoopbackNamesAddressesAndConfiguredHosts) {
  ServerConfig config;
  config.allowed_hosts = {"box.lan"};
  for (const char* host : {"localhost", "LOCALHOST:8484", "127.0.0.1:1", "[::1]:8484", "192.168.1.7:8484", "box.lan", "Box.Lan:80", "app.localhost"}) {
    EXPECT_TRUE(host_allowed(host, config)) << host;
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example", "[", "box.lan.evil"}) {
    EXPECT_FALSE(host_allowed(host, config)) << host;
  }
}

TEST(Guard, TakesLoopbackOriginsAndDesktopApplicationsOnly) {
  ServerConfig config;
  config.allowed_origins = {"https://chat.example"};
  for (const char* origin : {"http://localhost:3000", "https://127.0.0.1", "http://[::1]:5", "tauri://localhost", "vscode-webview://x", "https://chat.example"}) {
    EXPECT_TRUE(origin_allowed(origin, config)) << origin;
  }
  for (const char* origin : {"https://evil.example", "null", "", "http://localhost.evil.example", "https://chat.example.evil", "ftp://localhost"}) {
    EXPECT_FALSE(origin_allowed(origin, config)) << origin;
  }
}

TEST(Guard, TakesEitherHeaderAndAnyCaseOfTheScheme) {
  ServerConfig config;
  EXPECT_TRUE(key_allowed("", "", config));
  config.api_key_hashes = {"sha256:" + sha256_hex("one"), "sha256:" + sha256_hex("two")};
  EXPECT_TRUE(key_allowed("Bearer one", "", config));
  EXPECT_TRUE(key_allowed("bearer  two", "", config));
  EXPECT_TRUE(key_allowed("", "two", config));
  EXPECT_FALSE(key_allowed("", "", config));
  EXPECT_FALSE(key_allowed("Basic one", "", config));
  EXPECT_FALSE(key_allowed("Bearer ", "one ", config));
}

}  // namespace
}  // namespace pensieve::api
