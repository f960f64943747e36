#include "ipc/frame.h"

#include <gtest/gtest.h>

#include <vector>

namespace pensieve::ipc {
namespace {

std::vector<std::string> read_in_pieces(const std::string& bytes, std::size_t piece) {
  std::vector<std::string> payloads;
  FrameReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.append(std::string_view(bytes).substr(at, piece));
    while (auto payload = *reader.next()) payloads.push_back(std::move(*payload));
  }
  return payloads;
}

TEST(Frame, PayloadsComeBackHoweverTheBytesArrive) {
  const std::vector<std::string> sent = {"one", "", std::string(100'000, 'x'), std::string("\0\xff", 2), "last"};
  std::string bytes;
  for (const std::string& payload : sent) append_frame(bytes, payload);
  for (const std::size_t piece : {1U, 3U, 4U, 5U, 64U, 4096U, 1'000'000U}) {
    EXPECT_EQ(read_in_pieces(bytes, piece), sent) << piece;
  }
}

TEST(Frame, ALengthOverTheBoundIsAnErrorBeforeItsBytesCome) {
  FrameReader reader;
  reader.append(std::string_view("\x01\x00\x00\x08", 4));  // 128 MiB + 1
  const auto next = reader.next();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::kInvalidArgument);
}

TEST(Frame, TheLongestFrameIsNoErrorAndTakesNoMemoryBeforeItsBytesCome) {
  FrameReader reader;
  reader.append(std::string_view("\x00\x00\x00\x08", 4));
  const auto next = reader.next();
  ASSERT_TRUE(next);
  EXPECT_FALSE(*next);
}

}  // namespace
}  // namespace pensieve::ipc
