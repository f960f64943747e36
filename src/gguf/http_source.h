// A GGUF file on a web server, read in ranges.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "gguf/source.h"

namespace pensieve::gguf {

// A source that fetches what is read, in pieces of at least 256 KiB, and counts it.
class HttpSource : public Source {
 public:
  [[nodiscard]] virtual std::uint64_t fetched_bytes() const = 0;
};

// Asks for the beginning of the file. Errors as net::transfer; kUnsupported if the server gives no
// ranges, so that nothing short of the whole file would do.
Result<std::unique_ptr<HttpSource>> open_url(const std::string& url, const std::string& bearer = {});

}  // namespace pensieve::gguf
