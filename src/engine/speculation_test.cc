// The scheduler with tokens guessed ahead: faster where that can be, the same answers always.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "engine/fake_batch_model.h"
#include "engine/fake_grammar.h"
#include "engine/scheduler.h"

namespace pensieve::engine {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using testing::IsEmpty;
using testing::SizeIs;

// All that one stream was told.
struct Told {
  std::string text;
  std::vector<TokenLogprobs> logprobs;
  std::optional<Finished> finished;
  std::optional<Error> failed;
};

// One engine on a model of which a step costs 10 ms and so much for each further token.
class Bench {
 public:
  explicit Bench(bool speculation, microseconds further = microseconds(500), BatchLimits limits = kLimits)
      : model(limits),
        scheduler(
            model, vocabulary, clock, [this](ipc::StreamId stream, GenerationEvent event) { tell(stream, std::move(event)); },
            [] { return 1U; }, nullptr, speculation) {
    model.during_decode = [this, further](std::span<const BatchToken> batch) {
      clock.advance(milliseconds(10) + further * (batch.size() - 1));
    };
    model.script = [this](std::span<const Token> content) { return next(content); };
  }
  ~Bench() { EXPECT_THAT(model.complaints, IsEmpty()); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // A stream whose prompt, which no other stream's begins like, the model answers with `answer`.
  void ask(
      ipc::StreamId stream, const std::string& prompt, const std::string& answer,
      const std::function<void(PreparedRequest&)>& change = [](PreparedRequest&) {}) {
    answers[prompt] = answer;
    PreparedRequest prepared;
    prepared.stream = stream;
    controls[stream] = std::make_shared<StreamControl>();
    prepared.control = controls[stream];
    prepared.arrived = clock.steady_now();
    prepared.request.sampling.temperature = 0;
    prepared.prompt = Prompt{vocabulary.tokenize(prompt, false), prompt, {}};
    change(prepared);
    scheduler.add(std::move(prepared));
  }
  void run() {
    for (int steps = 0; scheduler.step(); ++steps) ASSERT_LT(steps, 20'000);
  }
  double seconds() const { return std::chrono::duration<double>(clock.steady_now().time_since_epoch()).count(); }
  // The most tokens that one step gave to a sequence that was not reading its prompt.
  std::size_t longest_step(std::size_t after_batches = 0) const {
    std::size_t longest = 0;
    for (std::size_t i = after_batches; i < model.batches.size(); ++i) {
      std::map<SequenceId, std::size_t> tokens;
      for (const BatchToken& token : model.batches[i]) longest = std::max(longest, token.wants_logits ? ++tokens[token.sequence] : 0);
    }
    return longest;
  }

  static constexpr BatchLimits kLimits{
      .batch_tokens = 64, .max_active = 4, .sequences = 8, .cells = 16'384, .sequence_tokens = 4096, .output_rows = 17, .takes_back = true};

  ManualClock clock;
  FakeVocabulary vocabulary;
  FakeBatchModel model;
  std::map<std::string, std::string> answers;  // by prompt
  std::map<ipc::StreamId, std::shared_ptr<StreamControl>> controls;
  std::map<ipc::StreamId, Told> told;
  Scheduler scheduler;

 private:
  Token next(std::span<const Token> content) const {
    std::string text;
    for (const Token token : content) text += static_cast<char>(token);
    for (const auto& [prompt, answer] : answers) {
      if (!text.starts_with(prompt)) continue;
      const std::size_t at = text.size() - prompt.size();
      return at < answer.size() ? static_cast<unsigned char>(answer[at]) : FakeVocabulary::kEnd;
    }
    return 'x';
  }
  void tell(ipc::StreamId stream, GenerationEvent event) {
    Told& log = told[stream];
    EXPECT_FALSE(log.finished || log.failed) << "an event after the last one";
    if (auto* delta = std::get_if<Delta>(&event)) {
      log.text += delta->text;
      log.logprobs.insert(log.logprobs.end(), delta->logprobs.begin(), delta->logprobs.end());
    }
    if (auto* finished = std::get_if<Finished>(&event)) log.finished = *finished;
    if (auto* failed = std::get_if<Failed>(&event)) log.failed = failed->error;
  }
};

std::string function_text(std::string_view name) {
  std::string text;
  for (int line = 0; line < 20; ++line) {
    text +=
        "  " + std::string(name) + "[" + std::to_string(line * 7) + "] = read(" + std::string(1, static_cast<char>('a' + line)) + ");\n";
  }
  return text;
}

// No two tokens come twice in a row.
std::string text_without_repetition(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) {
    text += static_cast<char>('!' + i / 40 % 90);
    text += static_cast<char>('!' + (i * 7) % 90);
  }
  return text;
}

TEST(Speculation, TakesManyTokensAStepWhereTheTextIsCopied) {
  const std::string text = function_text("value");
  Bench plain(false);
  Bench bench(true);
  for (Bench* one : {&plain, &bench}) {
    one->ask(1, text, text);
    one->run();
  }
  EXPECT_EQ(bench.told[1].text, text);
  EXPECT_LT(bench.seconds(), 0.3 * plain.seconds());
  const Usage& usage = bench.told[1].finished->usage;
  EXPECT_EQ(usage.completion_tokens, static_cast<std::int64_t>(text.size()));
  EXPECT_GT(usage.accepted_prediction_tokens, usage.completion_tokens * 3 / 4);
  EXPECT_LT(usage.rejected_prediction_tokens, usage.completion_tokens / 10);
  EXPECT_EQ(plain.told[1].finished->usage.accepted_prediction_tokens, 0);
  EXPECT_EQ(plain.longest_step(), 1U);
}

TEST(Speculation, IsFasterOnAnEditedTextThoughABatchIsNotCheap) {
  const std::string text = function_text("value");
  const std::string edited = function_text("total_count");
  Bench bench(true, microseconds(3'000));
  bench.ask(1, text, edited);
  bench.run();
  EXPECT_EQ(bench.told[1].text, edited);
  const Usage& usage = bench.told[1].finished->usage;
  EXPECT_GT(usage.rejected_prediction_tokens, 0) << "the new name can't be guessed the first time";
  EXPECT_LT(bench.seconds(), 0.75 * 0.010 * static_cast<double>(edited.size())) << "one by one they take 10 ms each";
}

TEST(Speculation, CostsNothingWhereItsGuessesAreWrong) {
  std::string answer;
  for (char c = '!'; c < '~'; ++c) answer += std::string{'\n', ' ', c};
  answer += answer;
  std::ranges::reverse(answer.begin() + static_cast<std::ptrdiff_t>(answer.size() / 2), answer.end());
  Bench plain(false);
  Bench bench(true);
  for (Bench* one : {&plain, &bench}) {
    one->ask(1, "A", answer);
    one->run();
  }
  EXPECT_EQ(bench.told[1].text, answer);
  EXPECT_LT(bench.seconds(), 1.03 * plain.seconds());
}

TEST(Speculation, IsOffWhereABatchSavesNothing) {
  const std::string text = function_text("value");
  Bench plain(false, microseconds(10'000));
  Bench bench(true, microseconds(10'000));
  for (Bench* one : {&plain, &bench}) {
    one->ask(1, text, text);
    one->run();
  }
  EXPECT_EQ(bench.told[1].text, text);
  EXPECT_LT(bench.seconds(), 1.03 * plain.seconds());
  EXPECT_LT(bench.told[1].finished->usage.rejected_prediction_tokens, 3);
}

TEST(Speculation, IsOffWhereTheModelCanNotTakeTokensBack) {
  BatchLimits limits = Bench::kLimits;
  limits.takes_back = false;
  Bench bench(true, microseconds(500), limits);
  bench.ask(1, function_text("value"), function_text("value"));
  bench.run();
  EXPECT_EQ(bench.longest_step(), 1U);
}

TEST(Speculation, StopsWithinAGuess) {
  const std::string text = function_text("value");
  Bench bench(true);
  bench.ask(1, text, text, [](PreparedRequest& prepared) { prepared.request.stop = {"value[119]"}; });
  bench.run();
  EXPECT_EQ(bench.told[1].text, text.substr(0, text.find("value[119]")));
  EXPECT_EQ(bench.told[1].finished->reason, StopReason::kStopSequence);
  EXPECT_GT(bench.told[1].finished->usage.accepted_prediction_tokens, 0);
  const std::string held(bench.model.content(0).begin(), bench.model.content(0).end());
  EXPECT_TRUE((text + text).starts_with(held));
  EXPECT_LE(held.size(), text.size() + text.find("value[119]") + 10) << "nothing that was taken back stays in the cache";
}

TEST(Speculation, GivesNoTokenBeyondItsLimit) {
  const std::string text = function_text("value");
  for (std::int64_t limit = 30; limit < 60; ++limit) {
    Bench bench(true);
    bench.ask(1, text, text, [&](PreparedRequest& prepared) { prepared.request.max_tokens = limit; });
    bench.run();
    EXPECT_EQ(bench.told[1].text, text.substr(0, static_cast<std::size_t>(limit)));
    EXPECT_EQ(bench.told[1].finished->reason, StopReason::kMaxTokens);
    EXPECT_EQ(bench.told[1].finished->usage.completion_tokens, limit);
    EXPECT_LT(bench.model.tokens_computed(), text.size() + static_cast<std::size_t>(limit) + 20);
  }
}

TEST(Speculation, EndsWithTheModelsTurnWithinAGuess) {
  // The model ends where its prompt went on.
  const std::string text = function_text("value");
  Bench bench(true);
  bench.ask(1, text, text.substr(0, 100));
  bench.run();
  EXPECT_EQ(bench.told[1].text, text.substr(0, 100));
  EXPECT_EQ(bench.told[1].finished->reason, StopReason::kEndOfTurn);
  EXPECT_GT(bench.told[1].finished->usage.rejected_prediction_tokens, 0);
  EXPECT_EQ(bench.model.content(0).size(), text.size() + 100);
}

TEST(Speculation, FillsTheContextToItsLastToken) {
  BatchLimits limits = Bench::kLimits;
  limits.sequence_tokens = 700;
  const std::string text = function_text("value");
  ASSERT_LT(text.size(), 600U);
  Bench bench(true, microseconds(500), limits);
  bench.ask(1, text, text + text);
  bench.run();
  EXPECT_EQ(bench.told[1].finished->reason, StopReason::kContextFull);
  EXPECT_EQ(bench.told[1].finished->usage.completion_tokens, static_cast<std::int64_t>(700 - text.size()));
  EXPECT_LE(bench.model.content(0).size(), 700U);
}

TEST(Speculation, KeepsToTheGrammarThatTheGuessBreaks) {
  // The model wants to copy; the grammar lets the copy go only so far.
  const std::string text = function_text("value");
  const std::string allowed = text.substr(0, 80) + "{}";
  Bench bench(true);
  bench.ask(1, text, text, [&](PreparedRequest& prepared) {
    AnswerPlan plan;
    plan.whole = std::make_shared<FakeGrammar>(std::vector<std::string>{allowed});
    plan.groups = std::make_shared<const TokenGroups>(bench.vocabulary);
    prepared.prompt->answer = std::make_shared<const AnswerPlan>(std::move(plan));
  });
  bench.run();
  EXPECT_EQ(bench.told[1].text, allowed);
  EXPECT_GT(bench.told[1].finished->usage.accepted_prediction_tokens, 30);
}

TEST(Speculation, EndsACancelledStreamWithinTheStep) {
  const std::string text = function_text("value");
  Bench bench(true);
  bench.ask(1, text, text);
  while (bench.longest_step() < 8) ASSERT_TRUE(bench.scheduler.step());
  bench.controls[1]->cancelled = true;
  const std::string before = bench.told[1].text;
  EXPECT_FALSE(bench.scheduler.step());
  EXPECT_EQ(bench.told[1].text, before);
  EXPECT_EQ(bench.scheduler.active(), 0U);
  const auto& held = bench.model.content(0);
  EXPECT_TRUE((text + text).starts_with(std::string(held.begin(), held.end())));
}

TEST(Speculation, GoesOnAfterAPause) {
  const std::string text = function_text("value");
  Bench bench(true);
  bench.ask(1, text, text);
  while (bench.longest_step() < 8) ASSERT_TRUE(bench.scheduler.step());
  bench.controls[1]->paused = true;
  EXPECT_FALSE(bench.scheduler.step());
  bench.controls[1]->paused = false;
  bench.run();
  EXPECT_EQ(bench.told[1].text, text);
}

TEST(Speculation, SlowsNoStreamBesideIt) {
  const std::string text = function_text("value");
  const std::string other = text_without_repetition(400);
  Bench plain(false, microseconds(3'000));
  Bench bench(true, microseconds(3'000));
  std::map<Bench*, double> ended;
  for (Bench* one : {&plain, &bench}) {
    one->ask(1, text, text + text + text);
    one->ask(2, "Q", other);
    while (!one->told[2].finished) ASSERT_TRUE(one->scheduler.step());
    ended[one] = one->seconds();
    EXPECT_EQ(one->told[2].text, other);
  }
  EXPECT_LT(ended[&bench], 1.02 * ended[&plain]);
}

TEST(Speculation, WorksBesideAnotherStreamWhereABatchIsNearlyFree) {
  const std::string text = function_text("value");
  const std::string other = text_without_repetition(400);
  Bench bench(true, microseconds(100));
  bench.ask(1, text, text);
  bench.ask(2, "Q", other);
  bench.run();
  EXPECT_EQ(bench.told[1].text, text);
  EXPECT_EQ(bench.told[2].text, other);
  EXPECT_GT(bench.told[1].finished->usage.accepted_prediction_tokens, 300);
  EXPECT_LT(bench.seconds(), 1.12 * 0.0101 * 420) << "a tenth slower at most";
}

TEST(Speculation, TriesNoGuessWhileAPromptIsRead) {
  const std::string text = function_text("value");
  Bench bench(true);
  bench.ask(1, text, text + text);
  while (bench.longest_step() < 8) ASSERT_TRUE(bench.scheduler.step());
  const std::size_t before = bench.model.batches.size();
  bench.ask(2, "R" + text_without_repetition(600), "a", [](PreparedRequest& prepared) { prepared.request.max_tokens = 1; });
  while (!bench.told[2].finished) ASSERT_TRUE(bench.scheduler.step());
  EXPECT_EQ(bench.longest_step(before), 1U);
  bench.run();
  EXPECT_EQ(bench.told[1].text, text + text);
}

TEST(Speculation, TakesNoRoomFromOthers) {
  BatchLimits limits = Bench::kLimits;
  const std::string text = function_text("value");
  limits.cells = 2 * text.size() + 5;
  limits.sequence_tokens = limits.cells;
  Bench bench(true, microseconds(500), limits);
  bench.ask(1, text, text);
  bench.run();
  EXPECT_EQ(bench.told[1].text, text);
  EXPECT_EQ(bench.told[1].finished->reason, StopReason::kEndOfTurn);
}

TEST(Speculation, ReadsTheTextAgainIfTheModelFailsToTakeTokensBack) {
  const std::string text = function_text("value");
  const std::string edited = function_text("total");
  Bench bench(true);
  bench.model.forgets = true;
  bench.ask(1, text, edited);
  bench.run();
  EXPECT_EQ(bench.told[1].text, edited);
  EXPECT_EQ(bench.told[1].finished->usage.completion_tokens, static_cast<std::int64_t>(edited.size()));
}

TEST(Speculation, KeepsTheConversationForTheNextTurn) {
  const std::string text = function_text("value");
  Bench bench(true);
  bench.ask(1, text, function_text("total"));
  bench.run();
  const std::size_t before = bench.model.tokens_computed();
  bench.answers.clear();
  bench.ask(2, text + function_text("total") + "And now?", "Done");
  bench.run();
  EXPECT_EQ(bench.told[2].text, "Done");
  EXPECT_LT(bench.model.tokens_computed() - before, 20U) << "only what is new was read";
}

// Texts that copy, change and make up pieces.
std::string random_text(std::mt19937& random, const std::string& source, std::size_t size) {
  std::string text;
  while (text.size() < size) {
    const std::string& from = random() % 2 == 0 && text.size() > 4 ? text : source;
    const std::size_t at = random() % from.size();
    if (random() % 4 != 0) text += from.substr(at, 1 + random() % 40);
    if (random() % 2 == 0) text += static_cast<char>('a' + random() % 26);
  }
  return text;
}

TEST(Speculation, GivesTheSameAnswersAsWithout) {
  for (std::uint32_t round = 0; round < 60; ++round) {
    Bench plain(false, microseconds(300));
    Bench bench(true, microseconds(round % 3 == 0 ? 300 : 2'000));
    for (Bench* one : {&plain, &bench}) {
      std::mt19937 random(round);
      for (ipc::StreamId stream = 1; stream <= 1 + round % 4; ++stream) {
        const std::string prompt = static_cast<char>('A' + stream) + random_text(random, "0123456789", 50 + random() % 100);
        one->ask(stream, prompt, random_text(random, prompt, 200), [&](PreparedRequest& prepared) {
          GenerationRequest& request = prepared.request;
          request.max_tokens = 20 + static_cast<std::int64_t>(random() % 300);
          request.sampling.temperature = random() % 2 == 0 ? 0.0F : 5.0F;  // at 5 other tokens than the scripted come too
          request.sampling.seed = static_cast<std::uint32_t>(random());
          if (random() % 3 == 0) request.sampling.top_k = 3;
          if (random() % 3 == 0) request.sampling.frequency_penalty = 0.5F;
          if (random() % 3 == 0) request.sampling.repetition_penalty = 1.2F;
          if (random() % 3 == 0) request.sampling.logit_bias = {{'b', -100.0F}, {'c', 5.0F}};
          if (random() % 3 == 0) request.top_logprobs = 2;
          if (random() % 3 == 0) request.stop = {std::string(1, static_cast<char>('a' + random() % 26)) + "1"};
        });
      }
      one->run();
    }
    ASSERT_EQ(plain.told.size(), bench.told.size());
    for (const auto& [stream, log] : plain.told) {
      const Told& other = bench.told[stream];
      ASSERT_EQ(log.text, other.text) << "round " << round;
      ASSERT_EQ(log.logprobs, other.logprobs) << "round " << round;
      ASSERT_EQ(log.finished->reason, other.finished->reason);
      ASSERT_EQ(log.finished->usage.completion_tokens, other.finished->usage.completion_tokens);
    }
  }
}

}  // namespace
}  // namespace pensieve::engine
