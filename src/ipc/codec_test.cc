#include "ipc/codec.h"

#include <gtest/gtest.h>

namespace pensieve::ipc {
namespace {

template <typename Variant, std::size_t I = 0>
void every_alternative_comes_back(Result<Variant> (*decode)(const std::string&)) {
  const Variant message = std::variant_alternative_t<I, Variant>{};
  const std::string bytes = encode(message);
  const Result<Variant> back = decode(bytes);
  ASSERT_TRUE(back) << I;
  EXPECT_EQ(back->index(), I);
  EXPECT_EQ(encode(*back), bytes) << I;
  if constexpr (I + 1 < std::variant_size_v<Variant>) every_alternative_comes_back<Variant, I + 1>(decode);
}

TEST(Codec, EveryMessageComesBackAsItself) {
  every_alternative_comes_back<ToWorker>(decode_to_worker);
  every_alternative_comes_back<FromWorker>(decode_from_worker);
}

TEST(Codec, EveryEventComesBackAsItself) {
  const GenerationEvent events[] = {
      Started{{.prompt_tokens = 3}}, Delta{.text = "\u00e9", .tokens = 1}, ToolCallDelta{.index = 1, .name = "f"},
      Finished{.reason = StopReason::kStopSequence, .stop_sequence = "x"}, Failed{{ErrorCode::kWorkerLost, "gone", "again", "p"}}};
  for (const GenerationEvent& event : events) {
    const Result<FromWorker> back = decode_from_worker(encode(FromWorker(StreamEvent{9, event})));
    ASSERT_TRUE(back);
    EXPECT_EQ(std::get<StreamEvent>(*back).event, event) << event.index();
  }
}

TEST(Codec, TruncatedAndForeignBytesAreErrors) {
  const std::string bytes = encode(ToWorker(Generate{7, {.model = "m"}}));
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_to_worker(bytes.substr(0, size))) << size;
  EXPECT_FALSE(decode_to_worker("hello"));
  EXPECT_FALSE(decode_from_worker(std::string(100, '\xff')));
}

}  // namespace
}  // namespace pensieve::ipc
