#include "api/stream_pump.h"

#include <gmock/gmock.h>

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>

#include "api/admin/fake_service.h"

namespace pensieve::api {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
namespace asio = boost::asio;

// A stream whose events the test puts in.
class FakeStream final : public GenerationStream {
 public:
  explicit FakeStream(const asio::any_io_executor& executor) : channel_(executor, 16) {}
  asio::awaitable<GenerationEvent> next() override {
    ++calls_;
    const Ended ended(*this);
    co_return co_await channel_.async_receive(asio::use_awaitable);
  }
  [[nodiscard]] const std::string& model() const override { return model_; }
  void put(std::string text) {
    channel_.try_send(boost::system::error_code{}, text_delta(std::move(text)));
  }
  [[nodiscard]] int calls() const { return calls_; }
  [[nodiscard]] int ended() const { return ended_; }

 private:
  struct Ended {
    explicit Ended(FakeStream& stream) : stream_(stream) {}
    ~Ended() { ++stream_.ended_; }
    FakeStream& stream_;
  };
  asio::experimental::channel<void(boost::system::error_code, GenerationEvent)> channel_;
  std::string model_ = "fake";
  int calls_ = 0;
  int ended_ = 0;
};

// A client that keeps what was written to it, and acts on each write.
class FakeWriter final : public ResponseWriter {
 public:
  asio::awaitable<bool> send(int, Headers, std::string) override { co_return true; }
  asio::awaitable<bool> begin_stream(int, Headers) override { co_return true; }
  asio::awaitable<bool> write(std::string_view bytes) override {
    written.emplace_back(bytes);
    if (on_write) on_write();
    co_return here;
  }
  asio::awaitable<bool> end_stream() override { co_return true; }

  std::vector<std::string> written;
  std::function<void()> on_write;
  bool here = true;
};

std::string text_of(const GenerationEvent& event) {
  const auto* delta = std::get_if<Delta>(&event);
  return delta == nullptr ? "not a delta" : delta->text;
}

class StreamPump : public testing::Test {
 protected:
  GenerationEvent next(std::chrono::milliseconds interval) {
    auto event = asio::co_spawn(context_, next_with_pings(stream_, writer_, interval, "ping"),
                                asio::use_future);
    context_.restart();
    context_.run_for(5s);
    return event.wait_for(0s) == std::future_status::ready ? event.get()
                                                           : GenerationEvent(Failed{});
  }

  asio::io_context context_;
  FakeStream stream_{context_.get_executor()};
  FakeWriter writer_;
};

TEST_F(StreamPump, GivesAnEventThatIsThereWithoutAPing) {
  stream_.put("a");
  stream_.put("b");
  EXPECT_EQ(text_of(next(1ms)), "a");
  EXPECT_EQ(text_of(next(1ms)), "b");
  EXPECT_THAT(writer_.written, IsEmpty());
}

TEST_F(StreamPump, PingsUntilTheEventComesAndLosesNone) {
  writer_.on_write = [this] {
    if (writer_.written.size() == 3) stream_.put("late");
  };
  EXPECT_EQ(text_of(next(1ms)), "late");
  EXPECT_THAT(writer_.written, ElementsAre("ping", "ping", "ping"));
  EXPECT_EQ(stream_.calls(), 1) << "the wait for the event was started anew";
}

TEST_F(StreamPump, GivesTheEventAsSoonAsItComes) {
  asio::steady_timer later(context_, 20ms);
  later.async_wait([this](auto) { stream_.put("a"); });
  EXPECT_EQ(text_of(next(1h)), "a");
}

TEST_F(StreamPump, DoesNotPingWithoutAnInterval) {
  asio::steady_timer later(context_, 20ms);
  later.async_wait([this](auto) { stream_.put("a"); });
  EXPECT_EQ(text_of(next(0ms)), "a");
  EXPECT_THAT(writer_.written, IsEmpty());
}

TEST_F(StreamPump, StopsWaitingForAClientThatIsGone) {
  writer_.here = false;
  const GenerationEvent event = next(1ms);
  ASSERT_TRUE(std::holds_alternative<Failed>(event));
  EXPECT_EQ(std::get<Failed>(event).error.code, ErrorCode::kCancelled);
  EXPECT_EQ(stream_.ended(), 1) << "next() still runs";
}

TEST_F(StreamPump, EndsTheWaitWhenCancelled) {
  asio::cancellation_signal client_left;
  auto event = asio::co_spawn(context_, next_with_pings(stream_, writer_, 1h, "ping"),
                              asio::bind_cancellation_slot(client_left.slot(), asio::use_future));
  asio::steady_timer soon(context_, 5ms);
  soon.async_wait([&](auto) { client_left.emit(asio::cancellation_type::all); });
  context_.run_for(5s);
  ASSERT_EQ(event.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(text_of(event.get()), "not a delta");
  EXPECT_EQ(stream_.ended(), 1);
}

}  // namespace
}  // namespace pensieve::api
