#include "worker/outbox.h"

#include <gtest/gtest.h>

#include <limits>

namespace pensieve::worker {
namespace {

TEST(Outbox, MergesTextThatWaitsForCreditsAndLosesNothing) {
  Outbox outbox;
  std::string sent;
  int events = 0;
  const auto drain = [&] {
    while (auto event = outbox.take()) {
      ++events;
      if (const auto* delta = std::get_if<Delta>(&*event)) sent += delta->text;
    }
  };
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    outbox.push(Delta{.text = std::to_string(i), .tokens = 1});
    expected += std::to_string(i);
    drain();
  }
  EXPECT_EQ(events, ipc::kInitialCredits);
  outbox.add_credits(1);
  drain();
  EXPECT_EQ(events, ipc::kInitialCredits + 1);
  EXPECT_EQ(sent, expected);
}

TEST(Outbox, MergesArgumentsOfOneCallOnly) {
  Outbox outbox;
  outbox.add_credits(-ipc::kInitialCredits);
  outbox.push(ToolCallDelta{0, "call_a", "read", ""});
  outbox.push(ToolCallDelta{0, "", "", "{\"a\":"});
  outbox.push(ToolCallDelta{0, "", "", "1}"});
  outbox.push(ToolCallDelta{1, "call_b", "read", ""});
  outbox.push(ToolCallDelta{1, "", "", std::string(ipc::kMaxPendingBytes, ' ')});
  EXPECT_TRUE(outbox.full());
  outbox.add_credits(2);
  EXPECT_EQ(std::get<ToolCallDelta>(*outbox.take()), (ToolCallDelta{0, "call_a", "read", "{\"a\":1}"}));
  EXPECT_EQ(std::get<ToolCallDelta>(*outbox.take()).id, "call_b");
  EXPECT_FALSE(outbox.take());
}

TEST(Outbox, SendsTheEndInOrderAndWithoutACredit) {
  Outbox outbox;
  outbox.add_credits(-ipc::kInitialCredits);
  outbox.push(Delta{.text = "last words"});
  outbox.push(Finished{});
  EXPECT_FALSE(outbox.take());
  outbox.add_credits(1);
  EXPECT_TRUE(std::holds_alternative<Delta>(*outbox.take()));
  EXPECT_TRUE(std::holds_alternative<Finished>(*outbox.take()));
}

TEST(Outbox, HostileCreditsNeitherOverflowNorStopAStreamForGood) {
  Outbox outbox;
  for (int i = 0; i < 3; ++i) outbox.add_credits(std::numeric_limits<std::int32_t>::max());
  outbox.push(Delta{.text = "x"});
  EXPECT_TRUE(outbox.take());
  for (int i = 0; i < 3; ++i) outbox.add_credits(std::numeric_limits<std::int32_t>::min());
  outbox.push(Delta{.text = "x"});
  EXPECT_FALSE(outbox.take());
  for (int i = 0; i < 3; ++i) outbox.add_credits(std::numeric_limits<std::int32_t>::max());
  EXPECT_TRUE(outbox.take());
}

TEST(Outbox, IsFullWhileTooManyBytesWait) {
  Outbox outbox;
  outbox.add_credits(-ipc::kInitialCredits);
  outbox.push(Delta{.text = std::string(ipc::kMaxPendingBytes + 1, 'x')});
  EXPECT_TRUE(outbox.full());
  outbox.add_credits(1);
  EXPECT_TRUE(outbox.take());
  EXPECT_FALSE(outbox.full());
}

TEST(Outbox, CountsLogProbabilitiesToo) {
  Outbox outbox;
  outbox.add_credits(-ipc::kInitialCredits);
  const TokenLogprobs token{{1, "a", -1}, std::vector<TokenLogprob>(20, {2, "b", -2})};
  std::size_t tokens = 0;
  while (!outbox.full() && tokens < ipc::kMaxPendingBytes) {
    outbox.push(Delta{.text = "a", .tokens = 1, .logprobs = {token}});
    ++tokens;
  }
  EXPECT_LT(tokens, ipc::kMaxPendingBytes / 100);
  outbox.add_credits(1);
  EXPECT_TRUE(outbox.take());
  EXPECT_FALSE(outbox.full());
}

}  // namespace
}  // namespace pensieve::worker
