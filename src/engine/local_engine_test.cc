#include "engine/local_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "engine/event_log_fake.h"
#include "engine/fake_batch_model.h"

namespace pensieve::engine {
namespace {

// An embedding that takes until it is released.
class SlowEmbeddings final : public EmbeddingModel {
 public:
  Result<Embeddings> embed(const EmbeddingRequest& request, const TakeTurns& others) override {
    begun = true;
    begun.notify_all();
    while (!released && !aborted) others();
    if (aborted) return fail(ErrorCode::kCancelled, "the engine is stopping");
    return Embeddings{.vectors = {{static_cast<float>(request.inputs.size())}}, .prompt_tokens = 1};
  }
  void abort() override { aborted = true; }

  std::atomic<bool> begun = false;
  std::atomic<bool> released = false;
  std::atomic<bool> aborted = false;
};

class LocalEngineTest : public testing::Test {
 protected:
  void start(std::unique_ptr<EmbeddingModel> embeddings = nullptr) {
    auto owned = std::make_unique<FakeBatchModel>(
        BatchLimits{.batch_tokens = 64, .max_active = 4, .sequences = 8, .cells = 4096, .sequence_tokens = 512});
    model = owned.get();
    model->script = [](std::span<const Token> content) { return content.back(); };
    auto chosen = choose_template({}, vocabulary);
    ASSERT_TRUE(chosen);
    engine = LocalEngine::start(
                 {std::move(owned), std::move(embeddings), &vocabulary, nullptr, PromptBuilder(vocabulary, *std::move(chosen)), {}, {}},
                 log.sink())
                 .value();
  }
  static GenerationRequest text(std::string prompt, std::int64_t max_tokens) {
    GenerationRequest request;
    request.prompt_kind = PromptKind::kText;
    request.prompt = std::move(prompt);
    request.max_tokens = max_tokens;
    request.sampling.temperature = 0;
    return request;
  }

  FakeVocabulary vocabulary;
  EventLog log;
  FakeBatchModel* model = nullptr;
  std::unique_ptr<LocalEngine> engine;
};

TEST_F(LocalEngineTest, AnswersManyStreamsAtOnce) {
  start();
  for (ipc::StreamId stream = 1; stream <= 200; ++stream) {
    engine->submit(stream, text(std::string(1, static_cast<char>('a' + stream % 26)), 5));
  }
  for (ipc::StreamId stream = 1; stream <= 200; ++stream) {
    const StreamRecord record = log.wait(stream);
    EXPECT_EQ(record.text(), std::string(5, static_cast<char>('a' + stream % 26)));
    EXPECT_EQ(record.first<Finished>()->reason, StopReason::kMaxTokens);
  }
}

TEST_F(LocalEngineTest, StreamsGoOnBetweenTheBatchesOfAnEmbedding) {
  auto owned = std::make_unique<SlowEmbeddings>();
  SlowEmbeddings& embeddings = *owned;
  start(std::move(owned));
  std::promise<Result<Embeddings>> answer;
  engine->embed({.inputs = {{.text = "a"}, {.text = "b"}}}, [&](Result<Embeddings> result) { answer.set_value(std::move(result)); });
  embeddings.begun.wait(false);
  engine->submit(1, text("a", 5));
  EXPECT_EQ(log.wait(1).text(), "aaaaa");
  embeddings.released = true;
  const Result<Embeddings> result = answer.get_future().get();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->vectors.front().front(), 2);
}

TEST_F(LocalEngineTest, AnEmbeddingThatComesDuringAnotherIsComputedToo) {
  auto owned = std::make_unique<SlowEmbeddings>();
  SlowEmbeddings& embeddings = *owned;
  start(std::move(owned));
  std::latch answers(2);
  engine->embed({.inputs = {{.text = "a"}}}, [&](const Result<Embeddings>&) { answers.count_down(); });
  embeddings.begun.wait(false);
  engine->embed({.inputs = {{.text = "b"}}}, [&](const Result<Embeddings>&) { answers.count_down(); });
  engine->submit(1, text("a", 5));
  log.wait(1);  // a turn of the streams has come after it
  embeddings.released = true;
  answers.wait();
}

TEST_F(LocalEngineTest, EndsInTheMiddleOfAnEmbedding) {
  auto owned = std::make_unique<SlowEmbeddings>();
  SlowEmbeddings& embeddings = *owned;
  start(std::move(owned));
  ErrorCode code = ErrorCode::kInternal;
  engine->embed({.inputs = {{.text = "a"}}}, [&](const Result<Embeddings>& result) { code = result.error().code; });
  embeddings.begun.wait(false);
  engine.reset();
  EXPECT_EQ(code, ErrorCode::kCancelled);
}

TEST_F(LocalEngineTest, AModelWithoutEmbeddingsSaysSo) {
  start();
  ErrorCode code = ErrorCode::kInternal;
  engine->embed({.inputs = {{.text = "a"}}}, [&](const Result<Embeddings>& result) { code = result.error().code; });
  EXPECT_EQ(code, ErrorCode::kUnsupported);
}

TEST_F(LocalEngineTest, StopsComputingWhenTheOnlyStreamIsCancelled) {
  start();
  engine->submit(1, text("a", 500));
  log.wait(1, [](const StreamRecord& record) { return record.events.size() > 2; });
  engine->cancel(1);
  engine->submit(2, text("b", 1));
  log.wait(2);
  // The figures follow the events, which come from other threads.
  while (engine->progress().waiting_requests > 0) std::this_thread::yield();
  EXPECT_FALSE(log.wait(1, [](const auto&) { return true; }).first<Failed>());
}

TEST_F(LocalEngineTest, GoesOnWithAPausedStreamWhenItsPauseEnds) {
  start();
  engine->submit(1, text("a", 400));
  log.wait(1, [](const StreamRecord& record) { return record.events.size() > 2; });
  engine->pause(1, true);
  engine->submit(2, text("b", 3));
  log.wait(2);
  engine->pause(1, false);
  EXPECT_EQ(log.wait(1).text(), std::string(400, 'a'));
}

TEST_F(LocalEngineTest, ReportsARefusedRequestToItsStream) {
  start();
  GenerationRequest request = text("a", 1);
  request.sampling.logit_bias = {{100'000, 1.0F}};
  engine->submit(1, request);
  EXPECT_EQ(log.wait(1).first<Failed>()->error.param, "logit_bias");
}

TEST_F(LocalEngineTest, CountsTokensBesideARunningGeneration) {
  start();
  engine->submit(1, text("a", 400));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(engine->count_tokens(text("hello", 1)), 5);
  EXPECT_EQ(log.wait(1).first<Started>()->usage.prompt_tokens, 1);
}

TEST_F(LocalEngineTest, TellsASlowStepFromNoStep) {
  start();
  EXPECT_EQ(engine->progress().step_age_us, 0);
  std::latch inside(1);
  std::latch checked(1);
  model->during_decode = [&](auto) {
    inside.count_down();
    checked.wait();
  };
  engine->submit(1, text("a", 1));
  inside.wait();
  EXPECT_GT(engine->progress().step_age_us, 0);
  checked.count_down();
  log.wait(1);
}

TEST_F(LocalEngineTest, IgnoresStreamsThatItDoesNotKnow) {
  start();
  engine->cancel(77);
  engine->pause(77, true);
  engine->submit(1, text("a", 1));
  EXPECT_EQ(log.wait(1).text(), "a");
}

TEST_F(LocalEngineTest, EndsWithOpenStreams) {
  start();
  for (ipc::StreamId stream = 1; stream <= 20; ++stream) engine->submit(stream, text("a", 400));
  log.wait(1, [](const StreamRecord& record) { return record.events.size() > 2; });
  engine.reset();
}

}  // namespace
}  // namespace pensieve::engine
