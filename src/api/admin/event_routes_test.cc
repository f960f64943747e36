#include "api/admin/event_routes.h"

#include <gmock/gmock.h>

#include <boost/asio.hpp>

#include "api/http/fake_client.h"

namespace pensieve::api {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace asio = boost::asio;

// A client's side of the stream; takes `wanted` events, then it is gone.
class Reader final : public ResponseWriter {
 public:
  explicit Reader(int wanted) : wanted_(wanted) {}
  asio::awaitable<bool> send(int status, Headers, std::string body) override {
    sent_status = status;
    text += body;
    co_return true;
  }
  asio::awaitable<bool> begin_stream(int status, Headers) override {
    sent_status = status;
    co_return true;
  }
  asio::awaitable<bool> write(std::string_view bytes) override {
    text += bytes;
    if (bytes.starts_with("id:")) --wanted_;
    co_return wanted_ > 0;
  }
  asio::awaitable<bool> end_stream() override {
    ended = true;
    co_return true;
  }

  int sent_status = 0;
  bool ended = false;
  std::string text;

 private:
  int wanted_;
};

class EventRoutes : public testing::Test {
 protected:
  void add(std::string kind) { events_.add({.kind = std::move(kind), .from = "normal", .to = "downgrade", .reason = "memory"}); }
  // The stream that a request gets once `meanwhile` has run.
  std::string stream(HttpRequest request, int wanted, const std::function<void()>& meanwhile = [] {}) {
    Reader reader(wanted);
    asio::co_spawn(loop_, routes_.front().handler(request, reader), asio::detached);
    loop_.restart();
    loop_.poll();
    meanwhile();
    loop_.poll();
    status_ = reader.sent_status;
    ended_ = reader.ended;
    return reader.text;
  }

  asio::io_context loop_{1};
  EventLog events_{loop_.get_executor(), 3};
  std::vector<Route> routes_ = event_routes(events_, std::chrono::milliseconds(60'000));
  int status_ = 0;
  bool ended_ = false;
};

TEST_F(EventRoutes, EndsWhenTheServerStops) {
  stream({}, 9, [this] { events_.close(); });
  EXPECT_TRUE(ended_);
}

TEST_F(EventRoutes, SendsWhatComesFromNowOn) {
  add("level");
  const std::string text = stream({}, 1, [this] { add("downgrade"); });
  EXPECT_EQ(status_, 200);
  EXPECT_THAT(text, HasSubstr("id: 2\nevent: downgrade\ndata: {"));
  EXPECT_THAT(text, HasSubstr("\"reason\":\"memory\""));
  EXPECT_THAT(text, Not(HasSubstr("id: 1")));
}

TEST_F(EventRoutes, GoesOnAfterTheLastEventThatAClientSaw) {
  for (int i = 0; i < 5; ++i) add("level");
  EXPECT_THAT(stream({.headers = {{"last-event-id", "3"}}}, 2),
              testing::AllOf(HasSubstr("id: 4"), HasSubstr("id: 5"), Not(HasSubstr("id: 3"))));
  EXPECT_THAT(stream({.query = {{"after", "0"}}}, 3), testing::AllOf(HasSubstr("id: 3"), Not(HasSubstr("id: 2"))))
      << "the bound of the log";
  EXPECT_THAT(stream({.query = {{"after", "99"}}}, 1, [this] { add("upgrade"); }), HasSubstr("id: 6")) << "of an earlier server";
}

TEST_F(EventRoutes, ANumberThatIsNoneIsRefused) {
  stream({.query = {{"after", "x"}}}, 1);
  EXPECT_EQ(status_, 400);
}

}  // namespace
}  // namespace pensieve::api
