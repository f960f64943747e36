// The request target of RFC 9112 section 3.2, taken apart.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pensieve::api {

struct Target {
  std::string path;                          // decoded once: "/v1/models/a b"
  std::vector<std::string> segments;         // decoded one by one, so "%2F" stays inside its segment
  std::map<std::string, std::string> query;  // decoded; the last of equal names
  std::string authority;                     // of the absolute form; stands in for Host then
};

// Takes origin form ("/v1/models?limit=1"), absolute form ("http://host/path") and "*". Empty
// segments are left out: "//v1/models/" is what a base URL with a slash at its end makes of
// "/v1/models". Error kInvalidArgument for anything else.
Result<Target> parse_target(std::string_view text);

}  // namespace pensieve::api
