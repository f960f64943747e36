// The first bytes of an answer.
#pragma once

#include <string>
#include <string_view>

#include "api/http/exchange.h"
#include "base/clock.h"

namespace pensieve::api {

// "HTTP/1.1 200 OK", the headers and the empty line. Line breaks and other control characters in
// values become spaces, so that no value can add a header of its own.
std::string render_head(int status, const Headers& headers);

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(WallTime time);

}  // namespace pensieve::api
