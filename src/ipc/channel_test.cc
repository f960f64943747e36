#include "ipc/channel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

namespace pensieve::ipc {
namespace {

// Two channels on one loop, joined by a socket pair.
class ChannelPair : public testing::Test {
 protected:
  void SetUp() override {
    int sockets[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    here_ = std::make_shared<Channel>(loop_.get_executor(), sockets[0]);
    there_ = std::make_shared<Channel>(loop_.get_executor(), sockets[1]);
    here_->start([](std::string) { return Result<void>(); }, [this](Error error) { here_closed_ = error.message; });
    there_->start([this](std::string payload) { return take(std::move(payload)); }, [this](Error error) { there_closed_ = error.message; });
  }
  Result<void> take(std::string payload) {
    if (payload == "bad") return fail(ErrorCode::kInvalidArgument, "a bad payload");
    if (payload == "close") there_->close();
    received_.push_back(std::move(payload));
    return {};
  }
  void settle() {
    loop_.restart();
    loop_.poll();
  }

  boost::asio::io_context loop_{1};
  std::shared_ptr<Channel> here_;
  std::shared_ptr<Channel> there_;
  std::vector<std::string> received_;
  std::string here_closed_;
  std::string there_closed_;
};

TEST_F(ChannelPair, PayloadsArriveWholeAndInOrder) {
  std::vector<std::string> sent;
  for (int i = 0; i < 100; ++i) {
    sent.push_back(std::string(static_cast<std::size_t>(i) * 1000, 'x') + std::to_string(i));
    EXPECT_TRUE(here_->send(sent.back()));
  }
  EXPECT_GT(here_->queued_bytes(), 0U);
  settle();
  EXPECT_EQ(received_, sent);
  EXPECT_EQ(here_->queued_bytes(), 0U);
}

TEST_F(ChannelPair, APayloadOverTheBoundIsRefusedAndTheConnectionGoesOn) {
  EXPECT_FALSE(here_->send(std::string(kMaxFrameBytes + 1, 'x')));
  EXPECT_TRUE(here_->send("small"));
  settle();
  EXPECT_EQ(received_, std::vector<std::string>{"small"});
}

TEST_F(ChannelPair, AnErrorOfTheHandlerClosesTheChannelAndTheOtherSideLearnsIt) {
  here_->send("good");
  here_->send("bad");
  here_->send("never seen");
  settle();
  EXPECT_EQ(received_, std::vector<std::string>{"good"});
  EXPECT_EQ(there_closed_, "a bad payload");
  EXPECT_NE(here_closed_, "");
}

TEST_F(ChannelPair, ClosingInTheHandlerEndsItWithoutACall) {
  here_->send("close");
  here_->send("never seen");
  settle();
  EXPECT_EQ(received_, std::vector<std::string>{"close"});
  EXPECT_EQ(there_closed_, "");
  EXPECT_NE(here_closed_, "");
}

TEST_F(ChannelPair, SendingOnAClosedChannelDoesNothing) {
  here_->close();
  EXPECT_TRUE(here_->send("late"));
  settle();
  EXPECT_TRUE(received_.empty());
}

}  // namespace
}  // namespace pensieve::ipc
