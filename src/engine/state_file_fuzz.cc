// Any bytes as the head of a kept conversation: read or refused. What is read is what would be written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/state_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto head = pensieve::engine::decode_state_head(bytes);
  if (!head) return 0;
  const std::string again = pensieve::engine::encode_state_head(head->piece, static_cast<std::size_t>(head->state_bytes));
  if (!bytes.starts_with(again)) std::abort();
  return 0;
}
