#include "api/http/guard.h"

#include <gtest/gtest.h>

namespace pensieve::api {
namespace {

int host_status(const ServerConfig& config, std::string_view host) {
  const auto result = Guard(config).check_host(host);
  return result ? 200 : result.error().status;
}

int origin_status(const ServerConfig& config, std::string_view origin, std::string_view host = "localhost:8484") {
  const auto result = Guard(config).check_origin(origin, host);
  return result ? 200 : result.error().status;
}

TEST(Guard, AnswersToLoopbackNamesWithAnyPort) {
  for (const char* host :
       {"localhost", "LOCALHOST:1", "localhost.", "127.0.0.1:8484", "127.9.9.9", "[::1]", "[::1]:8484", "app.localhost:3000", ""}) {
    EXPECT_EQ(host_status({}, host), 200) << host;
  }
}

TEST(Guard, DoesNotAnswerToForeignNames) {
  for (const char* host : {"example.org", "example.org:8484", "localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "0.0.0.0",
                           "[::2]", "2130706433", "notlocalhost", "127.1"}) {
    EXPECT_EQ(host_status({}, host), 403) << host;
  }
}

TEST(Guard, RefusesMalformedHosts) {
  for (const char* host : {"user@localhost", "localhost:port", "[::1", "a b", ":80", "localhost/x"}) {
    EXPECT_EQ(host_status({}, host), 400) << host;
  }
}

TEST(Guard, AnswersToConfiguredNamesAndTheBoundHost) {
  ServerConfig config;
  config.host = "192.168.1.5";
  config.allowed_hosts = {"Studio.lan", "fd00::5"};
  EXPECT_EQ(host_status(config, "192.168.1.5:8484"), 200);
  EXPECT_EQ(host_status(config, "studio.lan:8484"), 200);
  EXPECT_EQ(host_status(config, "[fd00::5]:8484"), 200);
  EXPECT_EQ(host_status(config, "192.168.1.6"), 403);
  EXPECT_EQ(host_status(config, "x.studio.lan"), 403);
}

TEST(Guard, AnswersToAnyAddressButNoForeignNameWhenBoundToAll) {
  for (const char* bound : {"0.0.0.0", "::"}) {
    ServerConfig config;
    config.host = bound;
    EXPECT_EQ(host_status(config, "192.168.1.5:8484"), 200) << bound;
    EXPECT_EQ(host_status(config, "[2001:db8::1]"), 200) << bound;
    EXPECT_EQ(host_status(config, "example.org"), 403) << bound;
  }
}

TEST(Guard, LetsLoopbackPagesIn) {
  for (const char* origin :
       {"", "http://localhost:3000", "https://localhost", "http://127.0.0.1:1", "http://[::1]:8484", "HTTP://LOCALHOST"}) {
    EXPECT_EQ(origin_status({}, origin), 200) << origin;
  }
}

TEST(Guard, KeepsForeignPagesOut) {
  for (const char* origin : {"https://example.org", "http://localhost.example.org", "null", "http://localhost@evil.org", "file://",
                             "http://", "localhost", "app://localhost", "http://evil.org:80/localhost"}) {
    EXPECT_EQ(origin_status({}, origin), 403) << origin;
  }
}

TEST(Guard, LetsConfiguredOriginsAndTheServersOwnPagesIn) {
  ServerConfig config;
  config.allowed_origins = {"https://chat.example.org", "app://obsidian.md"};
  EXPECT_EQ(origin_status(config, "https://chat.example.org"), 200);
  EXPECT_EQ(origin_status(config, "app://obsidian.md"), 200);
  EXPECT_EQ(origin_status(config, "http://chat.example.org"), 403);
  EXPECT_EQ(origin_status(config, "https://chat.example.org:444"), 403);
  EXPECT_EQ(origin_status(config, "http://studio.lan:8484", "studio.lan:8484"), 200);
  EXPECT_EQ(origin_status(config, "http://studio.lan:8485", "studio.lan:8484"), 403);
}

TEST(Guard, KeepsOpaqueOriginsOutEvenIfAnyIsAllowed) {
  ServerConfig config;
  config.allowed_origins = {"*"};
  EXPECT_EQ(origin_status(config, "https://example.org"), 200);
  EXPECT_EQ(origin_status(config, "null"), 403);
}

TEST(CorsHeaders, NameTheOriginAndNeverCredentials) {
  std::string text;
  for (const auto& [name, value] : cors_headers("http://localhost:3000")) {
    text += name + ": " + value + "\n";
  }
  EXPECT_TRUE(text.contains("Access-Control-Allow-Origin: http://localhost:3000\n"));
  EXPECT_TRUE(text.contains("Vary: Origin\n"));
  EXPECT_FALSE(text.contains("Credentials"));
  EXPECT_TRUE(cors_headers("").empty());
}

}  // namespace
}  // namespace pensieve::api
