#include "engine/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "engine/fake_batch_model.h"

namespace pensieve::engine {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// All that one stream was told.
struct Told {
  std::vector<Started> started;
  std::string text;
  std::int32_t delta_tokens = 0;
  std::vector<TokenLogprobs> logprobs;
  std::vector<Finished> finished;
  std::vector<Error> failed;
};

class SchedulerTest : public testing::Test {
 protected:
  static constexpr BatchLimits kLimits{.batch_tokens = 64, .max_active = 4, .sequences = 6, .cells = 4096, .sequence_tokens = 1024};

  explicit SchedulerTest(BatchLimits limits = kLimits) : model(limits) {
    model.during_decode = [this](auto) { clock.advance(milliseconds(5)); };
  }
  void TearDown() override { EXPECT_THAT(model.complaints, IsEmpty()); }

  PreparedRequest request(ipc::StreamId stream, std::string_view prompt, std::int64_t max_tokens) {
    PreparedRequest prepared;
    prepared.stream = stream;
    controls[stream] = std::make_shared<StreamControl>();
    prepared.control = controls[stream];
    prepared.arrived = clock.steady_now();
    prepared.request.sampling.temperature = 0;
    prepared.request.max_tokens = max_tokens;
    prepared.prompt = Prompt{vocabulary.tokenize(prompt, false), std::string(prompt), {}};
    return prepared;
  }
  void submit(ipc::StreamId stream, std::string_view prompt, std::int64_t max_tokens) {
    scheduler.add(request(stream, prompt, max_tokens));
  }
  void run_to_end() {
    for (int steps = 0; scheduler.step(); ++steps) ASSERT_LT(steps, 10'000);
  }
  // Sequences and token counts of a batch.
  static std::map<SequenceId, std::size_t> shares(const std::vector<BatchToken>& batch) {
    std::map<SequenceId, std::size_t> counts;
    for (const BatchToken& token : batch) ++counts[token.sequence];
    return counts;
  }
  static std::string long_prompt(std::size_t size, char first = 'A') {
    std::string text(size, 'x');
    text.front() = first;
    return text;
  }

  void tell(ipc::StreamId stream, GenerationEvent event) {
    Told& log = told[stream];
    EXPECT_TRUE(log.finished.empty() && log.failed.empty()) << "an event after the last one";
    if (auto* started = std::get_if<Started>(&event)) log.started.push_back(*started);
    if (auto* delta = std::get_if<Delta>(&event)) {
      log.text += delta->text;
      log.delta_tokens += delta->tokens;
      for (auto& entry : delta->logprobs) log.logprobs.push_back(entry);
    }
    if (auto* finished = std::get_if<Finished>(&event)) log.finished.push_back(*finished);
    if (auto* failed = std::get_if<Failed>(&event)) log.failed.push_back(failed->error);
  }

  ManualClock clock;
  FakeVocabulary vocabulary;
  FakeBatchModel model;
  std::map<ipc::StreamId, std::shared_ptr<StreamControl>> controls;
  std::map<ipc::StreamId, Told> told;
  Scheduler scheduler{model, vocabulary, clock, [this](ipc::StreamId stream, GenerationEvent event) { tell(stream, std::move(event)); },
                      [] { return 1U; }};
};

TEST_F(SchedulerTest, AThrottleBoundsTheBatchAndTheRequestsSideBySide) {
  model.script = [](std::span<const Token> content) { return content.back(); };
  scheduler.throttle(32, 2);
  for (ipc::StreamId stream = 1; stream <= 4; ++stream) submit(stream, long_prompt(100, static_cast<char>('A' + stream)), 3);
  scheduler.step();
  EXPECT_EQ(scheduler.active(), 2U);
  run_to_end();
  for (const auto& batch : model.batches) EXPECT_LE(batch.size(), 32U);
  model.batches.clear();
  scheduler.throttle(0, 1000);
  submit(5, long_prompt(200, 'Z'), 1);
  run_to_end();
  EXPECT_EQ(model.batches.front().size(), 64U) << "the model's own bound";
}

TEST_F(SchedulerTest, InteractiveRequestsGoBeforeBatchOnesABoundedNumberOfTimes) {
  model.script = [](std::span<const Token> content) { return content.back(); };
  scheduler.throttle(0, 1);
  submit(100, "first", 4);
  scheduler.step();
  PreparedRequest job = request(200, "job", 1);
  job.request.priority = Priority::kBatch;
  scheduler.add(std::move(job));
  for (ipc::StreamId stream = 1; stream <= 40; ++stream) submit(stream, "person", 1);
  std::vector<ipc::StreamId> order;
  while (scheduler.step()) {
    for (const auto& [stream, log] : told) {
      if (!log.finished.empty() && !std::ranges::contains(order, stream)) order.push_back(stream);
    }
  }
  const auto place = std::ranges::find(order, 200U) - order.begin();
  EXPECT_EQ(place, 17) << "after the one that ran and 16 that may pass";
  EXPECT_EQ(order.size(), 42U);
}

TEST_F(SchedulerTest, AnswersUntilTheModelEndsItsTurn) {
  model.script = [](std::span<const Token> content) { return content.back() == 'd' ? FakeVocabulary::kEnd : content.back() + 1; };
  submit(1, "a", 100);
  run_to_end();
  EXPECT_EQ(told[1].text, "bcd");
  ASSERT_THAT(told[1].finished, SizeIs(1));
  EXPECT_EQ(told[1].finished[0].reason, StopReason::kEndOfTurn);
  EXPECT_EQ(told[1].finished[0].usage, (Usage{1, 0, 3, 0}));
  EXPECT_EQ(told[1].delta_tokens, 3);
}

TEST_F(SchedulerTest, StopsAtMaxTokens) {
  submit(1, "a", 2);
  run_to_end();
  EXPECT_EQ(told[1].text, "bc");
  EXPECT_EQ(told[1].finished.at(0).reason, StopReason::kMaxTokens);
}

TEST_F(SchedulerTest, ReadsThePromptAndSamplesNothingForMaxTokensZero) {
  submit(1, "abc", 0);
  run_to_end();
  EXPECT_EQ(told[1].text, "");
  EXPECT_EQ(told[1].finished.at(0).reason, StopReason::kMaxTokens);
  EXPECT_EQ(told[1].finished.at(0).usage.completion_tokens, 0);
  EXPECT_EQ(model.tokens_computed(), 3U);
  for (const BatchToken& token : model.batches.at(0)) EXPECT_FALSE(token.wants_logits);
}

TEST_F(SchedulerTest, StopsAtAStopStringAndNamesIt) {
  auto prepared = request(1, "a", 100);
  prepared.request.stop = {"zz", "de"};
  scheduler.add(std::move(prepared));
  run_to_end();
  EXPECT_EQ(told[1].text, "bc");
  EXPECT_EQ(told[1].finished.at(0).reason, StopReason::kStopSequence);
  EXPECT_EQ(told[1].finished.at(0).stop_sequence, "de");
  EXPECT_EQ(told[1].finished.at(0).usage.completion_tokens, 4);
}

TEST_F(SchedulerTest, TakesATextThatEndsTheTurnForTheEndOfTheTurn) {
  auto prepared = request(1, "a", 100);
  prepared.prompt->turn_ends = {"d"};
  scheduler.add(std::move(prepared));
  run_to_end();
  EXPECT_EQ(told[1].text, "bc");
  EXPECT_EQ(told[1].finished.at(0).reason, StopReason::kEndOfTurn);
}

TEST_F(SchedulerTest, FinishesWithAFullContextOnlyAtTheSequencesOwnLimit) {
  submit(1, long_prompt(1020), 100);
  run_to_end();
  EXPECT_EQ(told[1].finished.at(0).reason, StopReason::kContextFull);
  EXPECT_EQ(told[1].finished.at(0).usage.completion_tokens, 4);
}

TEST_F(SchedulerTest, RefusesATooLongPromptWithBothNumbersBeforeAnythingElse) {
  submit(1, long_prompt(1024), 10);
  submit(2, long_prompt(1023), 10);
  run_to_end();
  EXPECT_THAT(told[1].started, IsEmpty());
  EXPECT_EQ(told[1].failed.at(0).code, ErrorCode::kContextOverflow);
  EXPECT_EQ(told[1].failed.at(0).message, "prompt is too long: 1024 tokens > 1023 maximum");
  EXPECT_EQ(told[2].finished.at(0).usage.completion_tokens, 1);
}

TEST_F(SchedulerTest, PassesOnWhyAPromptCouldNotBePrepared) {
  auto prepared = request(1, "a", 1);
  prepared.prompt = fail(ErrorCode::kInvalidArgument, "no messages");
  scheduler.add(std::move(prepared));
  EXPECT_EQ(told[1].failed.at(0).message, "no messages");
}

TEST_F(SchedulerTest, TellsUsageBeforeTheFirstStep) {
  submit(1, "abc", 5);
  model.during_decode = [&](auto) { EXPECT_EQ(told[1].started.at(0).usage, (Usage{3, 0, 0, 0})); };
  EXPECT_TRUE(scheduler.step());
}

TEST_F(SchedulerTest, LetsANewRequestJoinTheNextStepOfARunningOne) {
  submit(1, "a", 50);
  scheduler.step();
  scheduler.step();
  submit(2, "M", 50);
  scheduler.step();
  EXPECT_THAT(shares(model.batches.back()), SizeIs(2));
  EXPECT_EQ(told[1].text, "bcd");
  EXPECT_EQ(told[2].text, "N");
}

TEST_F(SchedulerTest, EndsACancelledStreamWithinTheStepWithoutAnotherEvent) {
  submit(1, "a", 50);
  submit(2, "M", 50);
  scheduler.step();
  model.during_decode = [&](auto) { controls[1]->cancelled = true; };
  scheduler.step();
  EXPECT_EQ(told[1].text, "b");
  scheduler.step();
  EXPECT_THAT(shares(model.batches.back()), SizeIs(1));
  EXPECT_EQ(scheduler.active(), 1U);
  EXPECT_EQ(told[2].text, "NOP");
}

TEST_F(SchedulerTest, ForgetsARequestCancelledWhileItWaits) {
  for (ipc::StreamId stream = 1; stream <= 5; ++stream) submit(stream, "a", 50);
  scheduler.step();
  EXPECT_EQ(scheduler.waiting(), 1U);
  controls[5]->cancelled = true;
  scheduler.step();
  EXPECT_EQ(scheduler.waiting(), 0U);
  EXPECT_THAT(told[5].started, IsEmpty());
}

TEST_F(SchedulerTest, AdmitsAWaitingRequestWhenASequenceIsFree) {
  for (ipc::StreamId stream = 1; stream <= 4; ++stream) submit(stream, "a", 3);
  submit(5, "M", 1);
  scheduler.step();
  EXPECT_THAT(told[5].started, IsEmpty());
  run_to_end();
  EXPECT_EQ(told[5].text, "N");
}

TEST_F(SchedulerTest, LeavesAPausedStreamOutAndNeverMakesAnEmptyStep) {
  submit(1, "a", 50);
  submit(2, "M", 50);
  scheduler.step();
  controls[1]->paused = true;
  scheduler.step();
  EXPECT_THAT(shares(model.batches.back()), SizeIs(1));
  controls[2]->paused = true;
  EXPECT_FALSE(scheduler.step());
  EXPECT_THAT(model.batches, SizeIs(2));
  controls[1]->paused = false;
  EXPECT_TRUE(scheduler.step());
  EXPECT_EQ(told[1].text, "bc");
  EXPECT_EQ(told[2].text, "NO");
}

TEST_F(SchedulerTest, DoesNothingWithoutWork) {
  EXPECT_FALSE(scheduler.step());
  EXPECT_THAT(model.batches, IsEmpty());
}

TEST_F(SchedulerTest, LetsRunningStreamsGoOnInEveryStepWhileAPromptIsRead) {
  submit(1, "a", 200);
  submit(2, "M", 200);
  scheduler.step();
  submit(3, long_prompt(600), 1);
  while (told[3].finished.empty()) {
    ASSERT_TRUE(scheduler.step());
    const auto counts = shares(model.batches.back());
    ASSERT_THAT(counts, SizeIs(3));
    EXPECT_EQ(counts.at(0), 1U);
    EXPECT_EQ(counts.at(1), 1U);
  }
}

TEST_F(SchedulerTest, KeepsAStepBesideRunningStreamsWithinTheTargetAndUsesIt) {
  std::vector<milliseconds> steps;
  model.during_decode = [&](std::span<const BatchToken> batch) {
    steps.emplace_back(10 + 2 * batch.size());
    clock.advance(steps.back());
  };
  submit(1, "a", 300);
  scheduler.step();
  submit(2, long_prompt(400), 1);
  while (told[2].finished.empty()) ASSERT_TRUE(scheduler.step());
  const std::vector<milliseconds> learnt(steps.begin() + 3, steps.end() - 1);
  EXPECT_THAT(learnt, testing::Each(testing::AllOf(testing::Le(milliseconds(50)), testing::Ge(milliseconds(40)))));
}

TEST_F(SchedulerTest, ReadsAShortPromptBeforeALongOneThatCameEarlier) {
  submit(1, long_prompt(900), 1);
  scheduler.step();
  submit(2, "short prompt", 1);
  scheduler.step();
  EXPECT_THAT(told[2].finished, SizeIs(1));
  EXPECT_THAT(told[1].finished, IsEmpty());
  run_to_end();
  EXPECT_THAT(told[1].finished, SizeIs(1));
}

TEST_F(SchedulerTest, AnswersTheSamePromptAgainWithoutReadingIt) {
  submit(1, "hello there", 3);
  run_to_end();
  const std::size_t before = model.tokens_computed();
  submit(2, "hello there", 1);
  run_to_end();
  EXPECT_EQ(model.tokens_computed(), before);
  EXPECT_EQ(told[2].started.at(0).usage.cached_prompt_tokens, 10) << "the last one is never called cached";
  EXPECT_EQ(told[2].text, told[1].text.substr(0, 1));
  submit(3, "hello there", 3);
  run_to_end();
  EXPECT_EQ(model.tokens_computed() - before, 2U) << "the answer's tokens";
  EXPECT_EQ(told[3].text, told[1].text);
}

TEST_F(SchedulerTest, AnswersTheSamePromptBesideItselfWithoutReadingIt) {
  submit(1, "hello there", 3);
  scheduler.step();
  submit(2, "hello there", 3);
  const std::size_t before = model.tokens_computed();
  run_to_end();
  EXPECT_EQ(model.tokens_computed() - before, 4U);
  EXPECT_EQ(told[2].text, told[1].text);
}

TEST_F(SchedulerTest, ReadsAPromptAgainWhoseLastTokenIsLost) {
  submit(1, "hello there", 1);
  run_to_end();
  model.reuse = [](std::size_t, std::size_t wanted) { return wanted == 11 ? 0 : wanted; };
  submit(2, "hello there", 1);
  run_to_end();
  EXPECT_EQ(told[2].text, told[1].text);
  EXPECT_EQ(told[2].started.at(0).usage.cached_prompt_tokens, 0);
}

TEST_F(SchedulerTest, GoesOnFromThePointWhereAConversationDiverges) {
  submit(1, "system. first question", 4);
  run_to_end();
  const std::size_t before = model.tokens_computed();
  submit(2, "system. second", 1);
  run_to_end();
  EXPECT_EQ(model.tokens_computed() - before, 6U);
  EXPECT_EQ(told[2].started.at(0).usage.cached_prompt_tokens, 8);
}

TEST_F(SchedulerTest, SharesThePrefixOfARunningRequest) {
  submit(1, "common prefix, one", 100);
  scheduler.step();
  submit(2, "common prefix, two", 1);
  scheduler.step();
  EXPECT_EQ(told[2].started.at(0).usage.cached_prompt_tokens, 15);
  EXPECT_THAT(shares(model.batches.back()), testing::Contains(testing::Pair(1, 3)));
}

TEST_F(SchedulerTest, ASideCallDoesNotDamageTheConversationThatItSharesAFewTokensWith) {
  const std::string conversation = "You are X. " + long_prompt(300);
  submit(1, conversation, 1);
  run_to_end();
  submit(2, "You are X. Make a title", 1);
  run_to_end();
  EXPECT_EQ(told[2].started.at(0).usage.cached_prompt_tokens, 11);
  submit(3, conversation + " and on", 1);
  run_to_end();
  EXPECT_EQ(told[3].started.at(0).usage.cached_prompt_tokens, static_cast<std::int64_t>(conversation.size()));
}

TEST_F(SchedulerTest, ReadsThePromptAfreshWhereTheModelCanNotGoBack) {
  model.reuse = [](std::size_t held, std::size_t wanted) { return wanted == held ? wanted : 0; };
  submit(1, "question one", 2);
  run_to_end();
  submit(2, "question two", 1);
  run_to_end();
  EXPECT_EQ(told[2].started.at(0).usage.cached_prompt_tokens, 0);
  EXPECT_EQ(told[2].text, "p");
  submit(3, "question onefg and on", 1);  // the first one's content, whole
  run_to_end();
  EXPECT_EQ(told[3].started.at(0).usage.cached_prompt_tokens, 13);
}

TEST_F(SchedulerTest, KeepsWhatACancelledRequestHasRead) {
  submit(1, long_prompt(500), 1);
  scheduler.step();
  controls[1]->cancelled = true;
  EXPECT_FALSE(scheduler.step());
  submit(2, long_prompt(500), 1);
  scheduler.step();
  EXPECT_EQ(told[2].started.at(0).usage.cached_prompt_tokens, 64);
}

TEST_F(SchedulerTest, FailsTheStreamsOfABrokenStepAndServesTheNext) {
  submit(1, "a", 5);
  submit(2, "M", 5);
  scheduler.step();
  model.outcome = [] { return DecodeOutcome::kFailed; };
  EXPECT_TRUE(scheduler.step());
  EXPECT_EQ(told[1].failed.at(0).code, ErrorCode::kInternal);
  EXPECT_EQ(told[2].failed.at(0).code, ErrorCode::kInternal);
  EXPECT_TRUE(model.content(0).empty());
  model.outcome = [] { return DecodeOutcome::kDone; };
  submit(3, "a", 2);
  run_to_end();
  EXPECT_EQ(told[3].text, "bc");
}

TEST_F(SchedulerTest, EchoesThePromptFirst) {
  auto prepared = request(1, "abc", 1);
  prepared.request.echo_prompt = true;
  scheduler.add(std::move(prepared));
  run_to_end();
  EXPECT_EQ(told[1].text, "abcd");
}

TEST_F(SchedulerTest, EchoesThePromptWithAScoreForEachOfItsTokens) {
  submit(9, "abx", 1);  // leaves a prefix that must not be taken from the cache
  run_to_end();
  model.batches.clear();
  submit(2, "k", 3);
  auto prepared = request(1, "abcdexgh", 1);
  prepared.request.echo_prompt = true;
  prepared.request.top_logprobs = 1;
  scheduler.add(std::move(prepared));
  run_to_end();
  EXPECT_EQ(told[1].text, "abcdexghi");
  ASSERT_THAT(told[1].logprobs, SizeIs(9));
  EXPECT_TRUE(std::isnan(told[1].logprobs[0].sampled.logprob));
  EXPECT_THAT(told[1].logprobs[0].top, IsEmpty());
  std::string tokens;
  for (const TokenLogprobs& entry : told[1].logprobs) tokens += entry.sampled.bytes;
  EXPECT_EQ(tokens, "abcdexghi");
  for (const std::size_t expected : {1U, 2U, 3U, 4U, 7U, 8U}) EXPECT_NEAR(told[1].logprobs[expected].sampled.logprob, 0, 1e-6) << expected;
  EXPECT_NEAR(told[1].logprobs[5].sampled.logprob, -40, 1e-3);
  EXPECT_EQ(told[1].logprobs[5].top.at(0).bytes, "f");
  EXPECT_EQ(told[2].text, "lmn") << "others go on beside it";
  for (const auto& batch : model.batches) EXPECT_LE(std::ranges::count_if(batch, &BatchToken::wants_logits), 4) << "rows are few";
}

TEST_F(SchedulerTest, ScoresAPromptThatIsNotAnswered) {
  for (const std::string prompt : {"a", "abcdefg"}) {
    told.clear();
    auto prepared = request(1, prompt, 0);
    prepared.request.echo_prompt = true;
    prepared.request.top_logprobs = 0;
    scheduler.add(std::move(prepared));
    run_to_end();
    EXPECT_EQ(told[1].text, prompt);
    EXPECT_THAT(told[1].logprobs, SizeIs(prompt.size()));
    EXPECT_THAT(told[1].finished, SizeIs(1));
  }
}

TEST_F(SchedulerTest, GivesLogProbabilitiesOnlyWhenAsked) {
  auto prepared = request(1, "a", 2);
  prepared.request.top_logprobs = 2;
  scheduler.add(std::move(prepared));
  submit(2, "a", 2);
  run_to_end();
  ASSERT_THAT(told[1].logprobs, SizeIs(2));
  EXPECT_EQ(told[1].logprobs[0].sampled.bytes, "b");
  EXPECT_NEAR(told[1].logprobs[0].sampled.logprob, 0.0, 1e-6);
  ASSERT_THAT(told[1].logprobs[0].top, SizeIs(2));
  EXPECT_EQ(told[1].logprobs[0].top[0].token, 'b');
  EXPECT_NEAR(told[1].logprobs[0].top[1].logprob, -40.0, 1e-3);
  EXPECT_THAT(told[2].logprobs, IsEmpty());
}

TEST_F(SchedulerTest, MeasuresQueuePrefillAndDecode) {
  submit(1, "abc", 3);
  clock.advance(milliseconds(7));
  run_to_end();
  EXPECT_EQ(told[1].finished.at(0).timings, (Timings{7'000, 5'000, 10'000}));
}

class SmallCache : public SchedulerTest {
 protected:
  SmallCache() : SchedulerTest({.batch_tokens = 64, .max_active = 3, .sequences = 6, .cells = 300, .sequence_tokens = 300}) {}
};

TEST_F(SmallCache, LetsALaterRequestWaitUntilItsPromptHasRoom) {
  submit(1, long_prompt(150, 'A'), 20);
  submit(2, long_prompt(150, 'B'), 20);
  scheduler.step();
  EXPECT_EQ(scheduler.active(), 1U);
  run_to_end();
  EXPECT_EQ(told[2].finished.at(0).reason, StopReason::kMaxTokens);
}

TEST_F(SmallCache, LetsASmallRequestPassOneThatHasNoRoomYet) {
  submit(1, long_prompt(150, 'A'), 20);
  submit(2, long_prompt(150, 'B'), 20);
  submit(3, "small", 1);
  scheduler.step();
  EXPECT_THAT(told[2].started, IsEmpty());
  EXPECT_THAT(told[3].started, SizeIs(1));
  run_to_end();
}

TEST_F(SmallCache, EvictsTheOldestIdleContentFirst) {
  submit(1, long_prompt(120, 'A'), 1);
  run_to_end();
  submit(2, long_prompt(120, 'B'), 1);
  run_to_end();
  submit(3, long_prompt(120, 'C'), 1);
  run_to_end();
  EXPECT_THAT(told[3].finished, SizeIs(1));
  submit(4, long_prompt(120, 'B'), 1);
  run_to_end();
  EXPECT_EQ(told[4].started.at(0).usage.cached_prompt_tokens, 119);
}

TEST_F(SmallCache, RequeuesTheYoungestWhenTheCellsRunOutAndLosesNothingOfItsAnswer) {
  // Both fit when admitted and outgrow the cache together.
  submit(1, long_prompt(100, 'A'), 120);
  scheduler.step();
  submit(2, long_prompt(100, 'B'), 120);
  run_to_end();
  for (const ipc::StreamId stream : {1, 2}) {
    EXPECT_THAT(told[stream].started, SizeIs(1));
    EXPECT_EQ(told[stream].finished.at(0).reason, StopReason::kMaxTokens);
    EXPECT_EQ(told[stream].finished.at(0).usage.completion_tokens, 120);
  }
  EXPECT_EQ(told[1].text, told[2].text);
}

}  // namespace
}  // namespace pensieve::engine
