#include "manager/monitored_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

namespace pensieve {
namespace {

using monitor::Level;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

// Each token takes as long as the test says.
class Script final : public GenerationStream {
 public:
  Script(ManualClock& clock, milliseconds each) : clock_(clock), each_(each) {}
  boost::asio::awaitable<std::optional<GenerationEvent>> next(milliseconds) override {
    clock_.advance(each_);
    co_return left_-- > 0 ? GenerationEvent(Delta{.text = "a", .tokens = 1}) : GenerationEvent(Finished{});
  }
  [[nodiscard]] const std::string& model() const override { return model_; }

 private:
  ManualClock& clock_;
  milliseconds each_;
  int left_ = 50;
  std::string model_ = "tiny";
};

class Service final : public GenerationService {
 public:
  explicit Service(ManualClock& clock) : clock_(clock) {}
  boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest) override {
    if (full) co_return fail(ErrorCode::kOverloaded, "full");
    co_return std::make_unique<Script>(clock_, each);
  }
  boost::asio::awaitable<bool> settled(std::string, milliseconds) override { co_return true; }
  boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest) override { co_return 0; }
  boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest) override { co_return Embeddings{}; }
  boost::asio::awaitable<Result<void>> load(std::string) override { co_return Result<void>(); }
  boost::asio::awaitable<Result<void>> unload(std::string) override { co_return Result<void>(); }
  [[nodiscard]] Result<ModelStatus> find(std::string_view) const override { return ModelStatus{}; }
  [[nodiscard]] ServiceStatus status() const override { return {}; }

  bool full = false;
  milliseconds each{100};

 private:
  ManualClock& clock_;
};

class Monitored : public testing::Test {
 protected:
  using Generated = Result<std::unique_ptr<GenerationStream>>;

  template <typename T>
  T run(boost::asio::awaitable<T> call) {
    std::optional<T> value;
    boost::asio::co_spawn(loop_, [&]() -> boost::asio::awaitable<void> { value = co_await std::move(call); }, boost::asio::detached);
    loop_.restart();
    loop_.poll();
    return *std::move(value);
  }
  Generated ask(Priority priority = Priority::kInteractive) {
    GenerationRequest request;
    request.priority = priority;
    return run(monitored_.generate(std::move(request)));
  }
  void read(GenerationStream& stream, int events) {
    for (int i = 0; i < events; ++i) run(stream.next(seconds(1)));
  }

  boost::asio::io_context loop_{1};
  ManualClock clock_;
  Service service_{clock_};
  EngineConfig engine_{.parallel = 2, .queue_limit = 4};
  MonitoredService monitored_{service_, engine_, clock_};
};

TEST_F(Monitored, BatchRequestsAreRefusedWhileInteractiveOnesAreStillTaken) {
  std::vector<Generated> open;
  for (int i = 0; i < 4; ++i) open.push_back(ask());
  EXPECT_EQ(ask(Priority::kBatch).error().code, ErrorCode::kOverloaded);
  open.push_back(ask());
  open.push_back(ask());
  const Generated refused = ask();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOverloaded);
  EXPECT_GE(refused.error().retry_after_s, 1);
  EXPECT_EQ(monitored_.status().monitor.requests_open, 6);
  open.pop_back();
  EXPECT_TRUE(ask()) << "an ended request gives its place back";
}

TEST_F(Monitored, CriticalMeans503WithTheTimeToWait) {
  Generated running = ask();
  monitored_.set_monitor(Level::kCritical, milliseconds(41'200), {.reason = "0.9 GB of memory free, below 1.0 GB"});
  const Generated refused = ask();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(refused.error().retry_after_s, 42);
  EXPECT_THAT(refused.error().message, HasSubstr("0.9 GB of memory free"));
  GenerationRequest request;
  EXPECT_FALSE(monitored_.choose(request)) << "also before a stream begins";
  EXPECT_TRUE(run((*running)->next(seconds(1)))) << "what runs goes on";
  monitored_.set_monitor(Level::kNormal, milliseconds(0), {});
  EXPECT_TRUE(ask());
}

TEST_F(Monitored, AFullQueueFurtherInGetsATimeToo) {
  service_.full = true;
  EXPECT_GE(ask().error().retry_after_s, 1);
}

TEST_F(Monitored, MeasuresHowFastAnswersCome) {
  EXPECT_FALSE(monitored_.speed());
  Generated slow = ask();
  read(**slow, 40);
  EXPECT_NEAR(monitored_.speed()->value, 10, 0.5);
  EXPECT_EQ(monitored_.last_model(), "tiny");
  slow->reset();
  EXPECT_FALSE(monitored_.speed());
}

}  // namespace
}  // namespace pensieve
