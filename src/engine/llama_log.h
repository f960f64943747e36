// libllama's log: routed to ours, and read for the figures and reasons that it gives nowhere else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"

namespace pensieve::engine {

// Sends libllama's and ggml's lines to the logger: errors as warnings, all else at debug level.
// Call once per process, before any other use of libllama.
void route_llama_log();

// Collects the process's libllama lines while it lives. At most one at a time.
class LlamaLogCapture {
 public:
  LlamaLogCapture();
  ~LlamaLogCapture();
  LlamaLogCapture(const LlamaLogCapture&) = delete;
  LlamaLogCapture& operator=(const LlamaLogCapture&) = delete;

  // Lines so far, without line ends.
  [[nodiscard]] std::vector<std::string> lines() const;

  // The error lines, joined by "; ", without the names of functions before them.
  [[nodiscard]] std::string errors() const;
};

// Sum of the sizes in lines like "llama_kv_cache:        CPU KV buffer size =   180.00 MiB" whose
// text has one of `names` ("KV buffer size").
Bytes sum_of_sizes(const std::vector<std::string>& lines, const std::vector<std::string_view>& names);

}  // namespace pensieve::engine
