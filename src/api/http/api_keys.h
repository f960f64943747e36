// API keys, kept as hashes only.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pensieve::api {

// "sha256:<64 hex digits>" of a key, as server.api_key_hashes holds it. Keys are long and random,
// so a slow password hash would add nothing.
std::string hash_api_key(std::string_view key);

class ApiKeys {
 public:
  // From entries of server.api_key_hashes. Error kInvalidArgument names the entry that is no hash.
  static Result<ApiKeys> parse(const std::vector<std::string>& hashes);

  // True if no key is configured: anyone may ask.
  [[nodiscard]] bool empty() const { return hashes_.empty(); }

  // Whether a request with these headers may pass: `authorization` with the scheme Bearer in any
  // case, or `x_api_key`; either may be empty. Takes the same time whichever key is wrong or right.
  [[nodiscard]] Result<void> check(std::string_view authorization, std::string_view x_api_key) const;

 private:
  using Digest = std::array<unsigned char, 32>;
  [[nodiscard]] bool accepts(std::string_view key) const;

  std::vector<Digest> hashes_;
};

}  // namespace pensieve::api
