// Any bytes: read_header answers with a header or an error, never with a crash.
#include <cstddef>
#include <cstdint>

#include "gguf/header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = pensieve::gguf::open_memory({reinterpret_cast<const char*>(data), size});
  (void)pensieve::gguf::read_header(*source);
  return 0;
}
