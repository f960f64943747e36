// One HTTP GET, streamed: the way to files on other machines.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"

namespace pensieve::net {

struct TransferRequest {
  std::string url;     // http or https
  std::string bearer;  // token for the first host; never sent on to another one
  // Bytes wanted, both ends included; the last may lie beyond the end.
  std::optional<std::pair<std::uint64_t, std::uint64_t>> range;
};

// The head of the answer that counts, after redirects.
struct TransferHead {
  long status = 0;                // 200 or 206; others are errors
  std::int64_t body_bytes = -1;   // promised; -1: not said
  std::int64_t total_bytes = -1;  // of the whole file; -1: not said
  std::int64_t first_byte = 0;    // where the body begins in the file
  std::string etag;
  std::string sha256;  // of the whole file, where a model hub tells it (X-Linked-ETag of any hop); else empty
};

struct TransferSinks {
  // Called once before any body; an error ends the transfer.
  std::function<Result<void>(const TransferHead&)> head;
  // Called for each piece of the body, in order.
  std::function<Result<void>(std::span<const char>)> bytes;
};

// Blocks until the end. Errors: kNotFound (404), kUnauthenticated (401), kForbidden (403), kIo
// (network; 5xx; a body shorter than promised), kTimeout (nothing came for 30 s), or a sink's own.
Result<TransferHead> transfer(const TransferRequest& request, const TransferSinks& sinks);

}  // namespace pensieve::net
