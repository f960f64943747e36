// Any bytes: header, shape and adapter are read or refused, never with a crash.
#include <cstddef>
#include <cstdint>

#include "gguf/adapter.h"
#include "gguf/header.h"
#include "gguf/model_shape.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = pensieve::gguf::open_memory({reinterpret_cast<const char*>(data), size});
  if (const auto header = pensieve::gguf::read_header(*source, true)) {
    (void)pensieve::gguf::model_shape(*header);
    if (const auto adapter = pensieve::gguf::read_adapter(*header)) {
      (void)pensieve::gguf::check_adapter(*adapter, adapter->architecture, header->tensors);
    }
  }
  (void)pensieve::gguf::read_header(*source);
  return 0;
}
