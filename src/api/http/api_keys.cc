#include "api/http/api_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <boost/algorithm/hex.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <format>
#include <iterator>

namespace pensieve::api {
namespace {

constexpr std::string_view kPrefix = "sha256:";

std::array<unsigned char, 32> digest_of(std::string_view key) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(key.data(), key.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

// The key in "Bearer KEY"; empty for another scheme.
std::string bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (!boost::algorithm::istarts_with(authorization, kScheme)) return {};
  return boost::algorithm::trim_copy(std::string(authorization.substr(kScheme.size())));
}

}  // namespace

std::string hash_api_key(std::string_view key) {
  const auto digest = digest_of(key);
  std::string text(kPrefix);
  boost::algorithm::hex_lower(digest, std::back_inserter(text));
  return text;
}

Result<ApiKeys> ApiKeys::parse(const std::vector<std::string>& hashes) {
  ApiKeys keys;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    std::string bytes;
    try {
      if (hashes[i].starts_with(kPrefix)) {
        boost::algorithm::unhex(hashes[i].substr(kPrefix.size()), std::back_inserter(bytes));
      }
    } catch (const boost::algorithm::hex_decode_error&) {
      bytes.clear();
    }
    Digest digest{};
    if (bytes.size() != digest.size()) {
      return fail(ErrorCode::kInvalidArgument, std::format("entry {} of server.api_keys is not 'sha256:' and 64 hex digits", i + 1),
                  "write the key itself, or sha256: with all 64 digits of its hash", "server.api_keys");
    }
    std::ranges::copy(bytes, digest.begin());
    keys.hashes_.push_back(digest);
  }
  return keys;
}

bool ApiKeys::accepts(std::string_view key) const {
  const Digest digest = digest_of(key);
  int found = 0;
  for (const Digest& hash : hashes_) {
    found |= static_cast<int>(CRYPTO_memcmp(hash.data(), digest.data(), digest.size()) == 0);
  }
  return found != 0;
}

Result<void> ApiKeys::check(std::string_view authorization, std::string_view x_api_key) const {
  if (empty()) return {};
  const std::string token = bearer_token(authorization);
  if (token.empty() && x_api_key.empty()) {
    return fail(ErrorCode::kUnauthenticated, "this server needs an API key", "send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'");
  }
  const bool by_token = accepts(token);
  const bool by_header = accepts(x_api_key);
  if (by_token || by_header) return {};
  return fail(ErrorCode::kUnauthenticated, "the API key is not valid", "use a key of this server (server.api_key_hashes)");
}

}  // namespace pensieve::api
