#include "api/choices.h"

#include <gmock/gmock.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "api/admin/fake_service.h"

namespace pensieve::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
namespace asio = boost::asio;

// Streams whose events the test hands out; counts those that exist.
class HandedService final : public GenerationService {
 public:
  struct Feed {
    explicit Feed(asio::any_io_executor executor) : arrived(std::move(executor)) {}
    std::deque<GenerationEvent> events;
    Signal arrived;
    bool taken_down = false;
  };

  explicit HandedService(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) override {
    prompts.push_back(request.prompt);
    if (request.prompt == "refused") co_return fail(ErrorCode::kOverloaded, "too many");
    if (request.prompt == "defect") throw std::runtime_error("a defect");
    feeds.push_back(std::make_shared<Feed>(executor_));
    co_return std::make_unique<Stream>(feeds.back());
  }
  void give(std::size_t stream, GenerationEvent event) {
    feeds.at(stream)->events.push_back(std::move(event));
    feeds.at(stream)->arrived.notify();
  }
  asio::awaitable<bool> settled(std::string, std::chrono::milliseconds) override { co_return true; }
  asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest) override { co_return 0; }
  asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest) override { co_return Embeddings{}; }
  asio::awaitable<Result<void>> load(std::string) override { co_return Result<void>{}; }
  asio::awaitable<Result<void>> unload(std::string) override { co_return Result<void>{}; }
  [[nodiscard]] Result<ModelStatus> find(std::string_view) const override { return fake_model("tiny"); }
  [[nodiscard]] ServiceStatus status() const override { return {}; }

  std::vector<std::string> prompts;  // of the generations begun, in order
  std::vector<std::shared_ptr<Feed>> feeds;

 private:
  class Stream final : public GenerationStream {
   public:
    explicit Stream(std::shared_ptr<Feed> feed) : feed_(std::move(feed)) {}
    ~Stream() override { feed_->taken_down = true; }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds) override {
      while (feed_->events.empty()) co_await feed_->arrived.wait();
      GenerationEvent event = std::move(feed_->events.front());
      feed_->events.pop_front();
      co_return event;
    }
    [[nodiscard]] const std::string& model() const override { return model_; }

   private:
    std::shared_ptr<Feed> feed_;
    std::string model_ = "tiny";
  };

  asio::any_io_executor executor_;
};

class ChoicesTest : public testing::Test {
 protected:
  void begin(const std::vector<std::string>& prompts, std::size_t per_prompt) {
    std::vector<GenerationRequest> requests(prompts.size());
    for (std::size_t i = 0; i < prompts.size(); ++i) requests[i].prompt = prompts[i];
    choices_ = std::make_unique<Choices>(context_.get_executor(), service_, std::move(requests), per_prompt);
    asio::co_spawn(context_, choices_->run([this] { return consume(); }),
                   asio::bind_cancellation_slot(leave_.slot(), [this](const std::exception_ptr&) { ended_ = true; }));
    settle();
  }
  void TearDown() override {
    leave_.emit(asio::cancellation_type::all);
    settle();
    EXPECT_TRUE(ended_);
    for (const auto& feed : service_.feeds) EXPECT_TRUE(feed->taken_down);
  }
  // Runs until nothing is left to do without another event.
  void settle() {
    context_.restart();
    context_.poll();
  }
  void give(std::size_t stream, GenerationEvent event) {
    service_.give(stream, std::move(event));
    settle();
  }
  void finish(std::size_t stream) { give(stream, Finished{}); }

  std::vector<std::string> seen_;  // "choice:text" of every event taken
  std::size_t stop_after_ = 0;     // events to take before leaving; 0: until all have ended
  bool paused_ = false;
  asio::io_context context_{1};
  HandedService service_{context_.get_executor()};
  std::unique_ptr<Choices> choices_;
  Signal resumed_{context_.get_executor()};
  asio::cancellation_signal leave_;  // as when the client goes away
  bool ended_ = false;

 private:
  asio::awaitable<void> consume() {
    for (std::size_t running = choices_->size(); running > 0;) {
      while (paused_) co_await resumed_.wait();
      const auto next = co_await choices_->next(std::chrono::hours(1));
      if (!next) continue;
      std::string what = "started";
      if (const auto* delta = std::get_if<Delta>(&next->event)) what = delta->text;
      if (std::holds_alternative<Finished>(next->event)) what = "finished";
      if (const auto* failed = std::get_if<Failed>(&next->event)) what = to_string(failed->error.code);
      seen_.push_back(std::to_string(next->choice) + ":" + what);
      if (is_terminal(next->event)) --running;
      if (seen_.size() == stop_after_) co_return;
    }
  }
};

TEST_F(ChoicesTest, MergesTheStreamsOfAllChoicesAsTheirEventsArrive) {
  begin({"a", "b"}, 1);
  give(1, text_delta("x"));
  give(0, text_delta("y"));
  give(1, text_delta("z"));
  finish(0);
  finish(1);
  EXPECT_THAT(seen_, ElementsAre("1:x", "0:y", "1:z", "0:finished", "1:finished"));
  EXPECT_EQ(choices_->model(), "tiny");
  EXPECT_TRUE(ended_);
}

TEST_F(ChoicesTest, TheOthersOfAPromptBeginWhenTheFirstHasReadIt) {
  begin({"a", "a", "b", "b"}, 2);
  EXPECT_THAT(service_.prompts, ElementsAre("a", "b"));
  give(0, Started{});
  EXPECT_THAT(service_.prompts, ElementsAre("a", "b"));
  give(0, text_delta("x"));
  EXPECT_THAT(service_.prompts, ElementsAre("a", "b", "a"));
  give(1, Failed{});
  EXPECT_THAT(service_.prompts, ElementsAre("a", "b", "a", "b"));
}

TEST_F(ChoicesTest, RunsEightAtATime) {
  begin(std::vector<std::string>(12, "a"), 1);
  EXPECT_EQ(service_.prompts.size(), 8U);
  finish(3);
  EXPECT_EQ(service_.prompts.size(), 9U);
}

TEST_F(ChoicesTest, RefusalsAndDefectsAreFailedEvents) {
  begin({"refused", "defect"}, 1);
  EXPECT_THAT(seen_, ElementsAre("0:overloaded", "1:internal"));
  EXPECT_TRUE(ended_);
}

TEST_F(ChoicesTest, EndsTheRestWhenTheConsumerLeaves) {
  stop_after_ = 1;
  begin({"a", "b"}, 1);
  give(1, text_delta("x"));
  EXPECT_TRUE(ended_);
  EXPECT_TRUE(service_.feeds[0]->taken_down);
  EXPECT_TRUE(service_.feeds[1]->taken_down);
}

TEST_F(ChoicesTest, TakesNoMoreThanABoundedNumberOfEventsAheadOfASlowConsumer) {
  paused_ = true;
  begin({"a"}, 1);
  for (int i = 0; i < 1000; ++i) service_.give(0, text_delta("x"));
  service_.give(0, Finished{});
  settle();
  EXPECT_GT(service_.feeds[0]->events.size(), 900U);
  EXPECT_THAT(seen_, IsEmpty());
  paused_ = false;
  resumed_.notify();
  settle();
  EXPECT_EQ(seen_.size(), 1001U);
  EXPECT_TRUE(ended_);
}

}  // namespace
}  // namespace pensieve::api
