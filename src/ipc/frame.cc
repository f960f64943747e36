#include "ipc/frame.h"

#include <format>

namespace pensieve::ipc {
namespace {

constexpr std::size_t kHeader = 4;

std::uint32_t length_at(std::string_view bytes) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < kHeader; ++i) {
    length |= std::uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return length;
}

}  // namespace

void append_frame(std::string& bytes, std::string_view payload) {
  const auto length = static_cast<std::uint32_t>(payload.size());
  for (std::size_t i = 0; i < kHeader; ++i) bytes += static_cast<char>((length >> (8 * i)) & 0xFF);
  bytes += payload;
}

std::string frame(std::string_view payload) {
  std::string out;
  append_frame(out, payload);
  return out;
}

void FrameReader::append(std::string_view bytes) {
  if (read_ > 0) {
    buffer_.erase(0, read_);
    read_ = 0;
  }
  buffer_ += bytes;
}

Result<std::optional<std::string>> FrameReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(read_);
  if (rest.size() < kHeader) return std::nullopt;
  const std::uint32_t length = length_at(rest);
  if (length > kMaxFrameBytes) {
    return fail(ErrorCode::kInvalidArgument, std::format("a frame of {} bytes is over the bound of {}", length, kMaxFrameBytes));
  }
  if (rest.size() - kHeader < length) return std::nullopt;
  read_ += kHeader + length;
  return std::string(rest.substr(kHeader, length));
}

}  // namespace pensieve::ipc
