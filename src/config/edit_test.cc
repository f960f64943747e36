#include "config/edit.h"

#include <gtest/gtest.h>

#include "base/sha256.h"

namespace pensieve {
namespace {

std::string set(std::string_view text, std::string_view key, std::string_view value) {
  const auto result = set_in_config_text(text, key, value);
  return result ? *result : "error: " + result.error().text();
}

TEST(ConfigEdit, ReplacesAValueInItsPlaceAndKeepsEverythingElse) {
  EXPECT_EQ(set("# mine\n[server]\nport = 1 # why\nhost = \"::1\"\n", "server.port", "9000"),
            "# mine\n[server]\nport = 9000 # why\nhost = \"::1\"\n");
  EXPECT_EQ(set("[roles] # é\nprimary = \"größe\" # ü\n", "roles.primary", "a"), "[roles] # é\nprimary = \"a\" # ü\n");
  EXPECT_EQ(set("server.port = 1\r\nserver.host = \"x\"\r\n", "server.host", "::1"), "server.port = 1\r\nserver.host = \"::1\"\r\n");
}

TEST(ConfigEdit, ReplacesValuesOfSeveralLines) {
  EXPECT_EQ(set("[models]\npaths = [\n  \"a\", # first\n  \"b\",\n]\n# end\n", "models.paths", "c"), "[models]\npaths = [\"c\"]\n# end\n");
}

TEST(ConfigEdit, AddsToTheSectionOrMakesIt) {
  EXPECT_EQ(set("[server]\nport = 1\n\n[log]\nlevel = \"info\"\n", "server.host", "::1"),
            "[server]\nport = 1\nhost = \"::1\"\n\n[log]\nlevel = \"info\"\n");
  EXPECT_EQ(set("[server]", "server.port", "2"), "[server]\nport = 2\n");
  EXPECT_EQ(set("", "server.port", "2"), "[server]\nport = 2\n");
  EXPECT_EQ(set("[log]\nlevel = \"info\"", "server.port", "2"), "[log]\nlevel = \"info\"\n\n[server]\nport = 2\n");
  EXPECT_EQ(set("server.port = 1\n[log]\n", "server.host", "::1"), "server.port = 1\nserver.host = \"::1\"\n[log]\n");
}

TEST(ConfigEdit, WritesEachKindAsTomlHasIt) {
  EXPECT_EQ(set("", "engine.spare_worker", "false"), "[engine]\nspare_worker = false\n");
  EXPECT_EQ(set("", "models.paths", "/a b, /c"), "[models]\npaths = [\"/a b\", \"/c\"]\n");
  EXPECT_EQ(set("", "models.paths", ""), "[models]\npaths = []\n");
  EXPECT_EQ(set("", "models.folder", "C:\\\"x\""), "[models]\nfolder = \"C:\\\\\\\"x\\\"\"\n");
  EXPECT_EQ(set("", "aliases.claude-*", "fallback"), "[aliases]\n\"claude-*\" = \"fallback\"\n");
}

TEST(ConfigEdit, AKeyForClientsIsWrittenAsItsHash) {
  EXPECT_EQ(set("", "server.api_keys", "secret"), "[server]\napi_keys = [\"sha256:" + sha256_hex("secret") + "\"]\n");
}

TEST(ConfigEdit, RefusesWhatWouldNotLoad) {
  EXPECT_NE(set("", "server.prot", "1").find("did you mean 'server.port'"), std::string::npos);
  EXPECT_NE(set("", "server.port", "70000").find("whole number from 0 to 65535"), std::string::npos);
  EXPECT_NE(set("[server\n", "server.port", "1").find("error: line 1"), std::string::npos);
  EXPECT_NE(set("server = { port = 1 }\n", "server.host", "::1").find("as a section [server]"), std::string::npos);
  EXPECT_NE(set("", "aliases.x", "").find("error:"), std::string::npos);
  EXPECT_NE(set("", "log.level", "\xff").find("error:"), std::string::npos);
}

TEST(ConfigEdit, TheCommentedFileIsValidAndChangesNothing) {
  const std::string text = commented_config();
  for (const ConfigEntry& entry : describe_config({})) EXPECT_NE(text.find(entry.help), std::string::npos) << entry.key;
  EXPECT_NE(set(text, "server.port", "9000").find("\n[server]\nport = 9000\n"), std::string::npos);
}

}  // namespace
}  // namespace pensieve
