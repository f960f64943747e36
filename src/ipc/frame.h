// Frames on the socket between supervisor and worker: a little-endian u32 length, then that many
// bytes of BEVE.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace pensieve::ipc {

inline constexpr std::uint32_t kMaxFrameBytes = 128U * 1024 * 1024;

// Puts `payload`, of at most kMaxFrameBytes, with its length in front behind `bytes`.
void append_frame(std::string& bytes, std::string_view payload);

// `payload` with its length in front.
std::string frame(std::string_view payload);

// Cuts a byte stream into payloads, however it arrives.
class FrameReader {
 public:
  void append(std::string_view bytes);

  // The next whole payload; empty optional: more bytes are needed. Error kInvalidArgument: a length
  // over kMaxFrameBytes; the stream can't be used further.
  Result<std::optional<std::string>> next();

 private:
  std::string buffer_;
  std::size_t read_ = 0;
};

}  // namespace pensieve::ipc
