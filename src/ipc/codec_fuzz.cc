// Any bytes through frames and decoders, both directions. What decodes must come back as itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ipc/codec.h"
#include "ipc/frame.h"

namespace {

template <typename Message>
void check(pensieve::Result<Message> (*decode)(const std::string&), const std::string& payload) {
  const pensieve::Result<Message> message = decode(payload);
  if (!message) return;
  const std::string bytes = pensieve::ipc::encode(*message);
  const pensieve::Result<Message> again = decode(bytes);
  if (!again || pensieve::ipc::encode(*again) != bytes) std::abort();
}

void check_both(const std::string& payload) {
  check<pensieve::ipc::ToWorker>(pensieve::ipc::decode_to_worker, payload);
  check<pensieve::ipc::FromWorker>(pensieve::ipc::decode_from_worker, payload);
}

}  // namespace

// The first byte says how: even, the rest is one payload; odd, a stream of frames that arrives in
// pieces of that many bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::size_t piece = data[0];
  bytes.remove_prefix(1);
  if (piece % 2 == 0) {
    check_both(std::string(bytes));
    return 0;
  }
  pensieve::ipc::FrameReader reader;
  while (!bytes.empty()) {
    reader.append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      const auto payload = reader.next();
      if (!payload) return 0;
      if (!*payload) break;
      check_both(**payload);
    }
  }
  return 0;
}
