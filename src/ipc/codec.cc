#include "ipc/codec.h"

#include <array>
#include <format>
#include <glaze/glaze.hpp>
#include <string_view>

// Alternatives are told apart by a tag; without one glaze would guess by their fields, and several
// messages have the same.
template <>
struct glz::meta<pensieve::GenerationEvent> {
  static constexpr std::string_view tag = "event";
  static constexpr auto ids = std::array{"started", "delta", "tool_call", "finished", "failed"};
};
template <>
struct glz::meta<pensieve::ipc::ToWorker> {
  static constexpr std::string_view tag = "message";
  static constexpr auto ids =
      std::array{"hello", "load", "generate", "cancel", "credit", "count_tokens", "embed", "ping", "shutdown", "throttle"};
};
template <>
struct glz::meta<pensieve::ipc::FromWorker> {
  static constexpr std::string_view tag = "message";
  static constexpr auto ids = std::array{"hello", "loaded", "load_failed", "stream_event", "token_count", "embedding_answer", "pong"};
};

namespace pensieve::ipc {
namespace {

template <typename Message>
std::string encode_any(const Message& message) {
  std::string bytes;
  // Writing to a growing string fails for no value of these types.
  if (glz::write_beve(message, bytes)) bytes.clear();
  return bytes;
}

template <typename Message>
Result<Message> decode_any(const std::string& payload) {
  try {
    Message message;
    if (const auto error = glz::read_beve(message, payload)) {
      return fail(ErrorCode::kInvalidArgument,
                  std::format("a frame of {} bytes is no message of protocol {}", payload.size(), kProtocolVersion));
    }
    return message;
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidArgument, std::format("a frame can't be read: {}", error.what()));
  }
}

}  // namespace

std::string encode(const ToWorker& message) { return encode_any(message); }
std::string encode(const FromWorker& message) { return encode_any(message); }

Result<ToWorker> decode_to_worker(const std::string& payload) { return decode_any<ToWorker>(payload); }
Result<FromWorker> decode_from_worker(const std::string& payload) { return decode_any<FromWorker>(payload); }

}  // namespace pensieve::ipc
