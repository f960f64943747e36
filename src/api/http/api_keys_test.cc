#include "api/http/api_keys.h"

#include <gtest/gtest.h>

namespace pensieve::api {
namespace {

// printf %s secret | sha256sum
constexpr const char* kSecret = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

TEST(ApiKeys, AreHashedWithSha256) { EXPECT_EQ(hash_api_key("secret"), kSecret); }

TEST(ApiKeys, AcceptEachKeyInEitherHeader) {
  const ApiKeys keys = ApiKeys::parse({hash_api_key("one"), kSecret}).value();
  EXPECT_TRUE(keys.check("Bearer secret", ""));
  EXPECT_TRUE(keys.check("bearer one", ""));
  EXPECT_TRUE(keys.check("BEARER   one ", ""));
  EXPECT_TRUE(keys.check("", "secret"));
  EXPECT_TRUE(keys.check("Bearer wrong", "one"));
}

TEST(ApiKeys, RefuseEverythingElse) {
  const ApiKeys keys = ApiKeys::parse({kSecret}).value();
  for (const char* authorization :
       {"", "secret", "Basic secret", "Bearer", "Bearer ", "Bearer secre", "Bearer secret2", "Bearersecret", kSecret}) {
    const Result<void> result = keys.check(authorization, "");
    ASSERT_FALSE(result) << authorization;
    EXPECT_EQ(result.error().code, ErrorCode::kUnauthenticated);
    EXPECT_FALSE(result.error().text().contains("secre")) << "the key is told back";
  }
  EXPECT_FALSE(keys.check("", kSecret));
}

TEST(ApiKeys, AreNotAskedForIfNoneIsConfigured) {
  EXPECT_TRUE(ApiKeys::parse({}).value().check("", ""));
  EXPECT_TRUE(ApiKeys().check("Bearer anything", "x"));
}

TEST(ApiKeys, NameTheEntryThatIsNoHash) {
  for (const char* bad : {"secret", "sha256:", "sha256:12", "sha256:zz", "md5:00"}) {
    const auto keys = ApiKeys::parse({kSecret, bad});
    ASSERT_FALSE(keys) << bad;
    EXPECT_TRUE(keys.error().message.contains("entry 2")) << keys.error().message;
  }
}

}  // namespace
}  // namespace pensieve::api
