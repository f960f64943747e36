// The scheduler with an archive: conversations that leave the cache and come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "engine/fake_batch_model.h"
#include "engine/memory_archive_fake.h"
#include "engine/scheduler.h"

namespace pensieve::engine {
namespace {

using std::chrono::milliseconds;
using testing::IsEmpty;
using testing::SizeIs;

class KeptConversations : public testing::Test {
 protected:
  void start(BatchLimits limits, BatchModel::StateForm form = {.divisible = true}) {
    model = std::make_unique<FakeBatchModel>(limits);
    model->form = form;
    model->during_decode = [this](auto) { clock.advance(milliseconds(5)); };
    scheduler = std::make_unique<Scheduler>(
        *model, vocabulary, clock, [this](ipc::StreamId stream, GenerationEvent event) { tell(stream, event); }, [] { return 1U; },
        &archive);
  }
  // As after a restart: the cache is empty, the archive is not.
  void restart() {
    scheduler->save_all();
    EXPECT_THAT(model->complaints, IsEmpty());
    start(model->limits(), model->form);
  }
  void TearDown() override { EXPECT_THAT(model->complaints, IsEmpty()); }

  void submit(ipc::StreamId stream, const std::string& prompt, std::int64_t max_tokens = 1) {
    PreparedRequest prepared;
    prepared.stream = stream;
    prepared.control = std::make_shared<StreamControl>();
    prepared.arrived = clock.steady_now();
    prepared.request.sampling.temperature = 0;
    prepared.request.max_tokens = max_tokens;
    prepared.prompt = Prompt{vocabulary.tokenize(prompt, false), prompt, {}};
    scheduler->add(std::move(prepared));
  }
  void run_to_end() {
    for (int steps = 0; scheduler->step(); ++steps) ASSERT_LT(steps, 10'000);
  }
  std::int64_t cached(ipc::StreamId stream, const std::string& prompt) {
    submit(stream, prompt);
    run_to_end();
    EXPECT_EQ(finished.count(stream), 1U);
    return started[stream].usage.cached_prompt_tokens;
  }
  void tell(ipc::StreamId stream, const GenerationEvent& event) {
    if (const auto* told = std::get_if<Started>(&event)) started[stream] = *told;
    if (const auto* told = std::get_if<Finished>(&event)) finished[stream] = *told;
    if (const auto* delta = std::get_if<Delta>(&event)) text[stream] += delta->text;
    if (const auto* failed = std::get_if<Failed>(&event)) ADD_FAILURE() << failed->error.text();
  }
  static std::string prompt(char first, std::size_t size) { return std::string(1, first) + std::string(size - 1, 'x'); }

  static constexpr BatchLimits kSmall{.batch_tokens = 64, .max_active = 2, .sequences = 2, .cells = 2048, .sequence_tokens = 1024};

  ManualClock clock;
  FakeVocabulary vocabulary;
  MemoryArchive archive;
  std::unique_ptr<FakeBatchModel> model;
  std::unique_ptr<Scheduler> scheduler;
  std::map<ipc::StreamId, Started> started;
  std::map<ipc::StreamId, Finished> finished;
  std::map<ipc::StreamId, std::string> text;
};

TEST_F(KeptConversations, ComeBackAfterOthersTookTheirPlace) {
  start(kSmall);
  for (const char first : {'A', 'B', 'C'}) (void)cached(static_cast<ipc::StreamId>(first), prompt(first, 600));
  const std::size_t before = model->tokens_computed();
  EXPECT_EQ(cached(1, prompt('A', 600) + "and more"), 600);
  EXPECT_EQ(model->tokens_computed() - before, std::string("and more").size());
}

TEST_F(KeptConversations, ComeBackAfterARestart) {
  start(kSmall);
  (void)cached(1, prompt('A', 600));
  restart();
  EXPECT_EQ(cached(2, prompt('A', 600) + "!"), 600);
}

TEST_F(KeptConversations, ComeBackInTheMiddleOfAnAnswerThatTheStopInterrupted) {
  start(kSmall);
  model->script = [](std::span<const Token>) { return Token{'y'}; };
  submit(1, prompt('A', 100), 50);
  for (int i = 0; i < 20; ++i) scheduler->step();
  const std::string so_far = text[1];
  ASSERT_GT(so_far.size(), 5U);
  restart();
  EXPECT_GE(cached(2, prompt('A', 100) + so_far), 100 + static_cast<std::int64_t>(so_far.size()) - 2);
}

TEST_F(KeptConversations, ShareTheirBeginningsInTheArchive) {
  start(kSmall);
  const std::string common = prompt('S', 2 * kPieceTokens);
  (void)cached(1, common + "first conversation that is long enough to be kept");
  restart();
  const int stores = archive.stores;
  EXPECT_EQ(cached(2, common + "another one, which is long enough, too, for a file"), static_cast<std::int64_t>(common.size()));
  restart();
  EXPECT_EQ(archive.stores, stores + 1) << "only what is new";
}

TEST_F(KeptConversations, GoOnFromThePlaceWherePromptsDiffer) {
  start(kSmall);
  (void)cached(1, prompt('A', 700));
  restart();
  EXPECT_EQ(cached(2, prompt('A', 650) + "now something else"), 650);
}

TEST_F(KeptConversations, AreReadAgainWhenTheArchiveHasLostThem) {
  start(kSmall);
  (void)cached(1, prompt('A', 600));
  restart();
  archive.states.erase(archive.find({}, vocabulary.tokenize(prompt('A', 600), false), 0).at(1).id);
  EXPECT_EQ(cached(2, prompt('A', 600) + "!"), static_cast<std::int64_t>(kPieceTokens)) << "what is before the gap";
}

TEST_F(KeptConversations, AForeignStateIsForgotten) {
  start(kSmall);
  (void)cached(1, prompt('A', 200));
  restart();
  archive.states.begin()->second = {'?'};
  submit(2, prompt('A', 200) + "!", 200);
  for (int steps = 0; steps < 20; ++steps) scheduler->step();
  EXPECT_EQ(started[2].usage.cached_prompt_tokens, 0);
  EXPECT_THAT(archive.states, IsEmpty());
}

TEST_F(KeptConversations, MakeRoomForEachOther) {
  start({.batch_tokens = 64, .max_active = 2, .sequences = 4, .cells = 700, .sequence_tokens = 700});
  for (const char first : {'A', 'B'}) (void)cached(static_cast<ipc::StreamId>(first), prompt(first, 500));
  for (const char first : {'A', 'B', 'A'}) EXPECT_GE(cached(static_cast<ipc::StreamId>(first), prompt(first, 500) + ".."), 500);
}

TEST_F(KeptConversations, ABranchLeavesTheConversationAsItIs) {
  start({.batch_tokens = 64, .max_active = 2, .sequences = 4, .cells = 4096, .sequence_tokens = 1024});
  (void)cached(1, prompt('A', 300) + std::string(600, 'm'));
  EXPECT_EQ(cached(2, prompt('A', 300) + std::string(40, 's')), 300);
  EXPECT_EQ(cached(3, prompt('A', 300) + std::string(600, 'm') + "next turn"), 900);
  EXPECT_EQ(archive.reads, 0) << "there was room for both";
}

TEST_F(KeptConversations, AnAnswerAskedForAgainTakesItsCellsOver) {
  start({.batch_tokens = 64, .max_active = 2, .sequences = 4, .cells = 4096, .sequence_tokens = 1024});
  submit(1, prompt('A', 200), 100);
  run_to_end();
  const SequenceId first = model->batches.back().front().sequence;
  submit(2, prompt('A', 200), 100);
  run_to_end();
  EXPECT_EQ(started[2].usage.cached_prompt_tokens, 199);
  EXPECT_EQ(model->batches.back().front().sequence, first);
}

TEST_F(KeptConversations, AreLoadedPieceByPieceBesideARunningStream) {
  start(kSmall);
  (void)cached(1, prompt('A', 1000));
  restart();
  submit(2, "z", 200);
  scheduler->step();
  submit(3, prompt('A', 1000) + "!");
  std::size_t steps_of_2 = 0;
  while (started.count(3) == 0) {
    ASSERT_TRUE(scheduler->step());
    ++steps_of_2;
  }
  EXPECT_GE(steps_of_2, 4U);
  EXPECT_GE(text[2].size(), 4U) << "it went on meanwhile";
  run_to_end();
}

TEST_F(KeptConversations, AreSavedAheadBeforeTheirPlaceIsNeeded) {
  start(kSmall, {.divisible = false});  // which leave only when their place is taken
  (void)cached(1, prompt('A', 600));
  (void)cached(2, prompt('B', 600));  // no empty sequence is left: the engine saves when it has nothing else to do
  EXPECT_EQ(archive.stores, 2);
  (void)cached(3, prompt('C', 600));
  EXPECT_EQ(archive.stores, 3) << "C's own";
}

// Four sequences, so that nothing has to leave for lack of one.
class PassedConversations : public KeptConversations {
 protected:
  void SetUp() override {
    start({.batch_tokens = 64, .max_active = 2, .sequences = 4, .cells = 16'384, .sequence_tokens = 4096});
    model->script = [](std::span<const Token>) { return Token{'y'}; };
    model->token_bytes = 8192;  // so that 2,000 tokens are many
  }
  void answer(ipc::StreamId stream, const std::string& prompt, std::int64_t tokens) {
    submit(stream, prompt, tokens);
    run_to_end();
    EXPECT_EQ(text[stream], std::string(static_cast<std::size_t>(tokens), 'y'));
  }
  std::size_t held() {
    std::size_t cells = 0;
    for (SequenceId sequence = 0; sequence < 4; ++sequence) cells += model->content(sequence).size();
    return cells;
  }
};

TEST_F(PassedConversations, LeaveTheCacheBesideALongAnswerAndComeBack) {
  (void)cached(1, prompt('A', 600));
  answer(2, prompt('B', 100), 300);
  EXPECT_EQ(held(), 100 + 299);
  EXPECT_EQ(cached(3, prompt('A', 600) + "!"), 600);
}

TEST_F(PassedConversations, OfFewBytesAreSavedAtRestAndLeaveAtOnce) {
  (void)cached(1, prompt('A', 600));
  EXPECT_EQ(archive.stores, 3);
  submit(2, prompt('B', 100), 300);
  scheduler->step();
  EXPECT_EQ(held(), 64U) << "only what was read of B";
  EXPECT_EQ(archive.stores, 3);
}

TEST_F(PassedConversations, OfASideCallGiveTheirBeginningToTheNextOne) {
  (void)cached(1, prompt('A', 24) + "the first title");
  (void)cached(2, prompt('B', 600));
  EXPECT_EQ(cached(3, prompt('A', 24) + "another title"), 24);
}

TEST_F(PassedConversations, OfManyBytesAreNotSavedAtRest) {
  (void)cached(1, prompt('A', 2500));
  EXPECT_LE(archive.stores, 1) << "the size of a token is known by the first piece";
}

TEST_F(PassedConversations, StayBesideShortAnswers) {
  (void)cached(1, prompt('A', 2500));
  answer(2, prompt('B', 40), 20);
  answer(3, prompt('C', 40), 20);
  EXPECT_GE(held(), 2500U);
}

TEST_F(PassedConversations, StayWhileTheyAreUsedNowAndThen) {
  std::string conversation = prompt('A', 2500);
  for (ipc::StreamId turn = 1; turn < 10; turn += 2) {
    answer(turn, conversation, 5);
    conversation += text[turn] + " and then?";
    answer(turn + 1, prompt('B', 40), 40);
    EXPECT_GT(held(), 2500U);
  }
}

TEST_F(PassedConversations, LeaveBeforeALongPromptIsReadPastThem) {
  (void)cached(1, prompt('A', 400));
  submit(2, prompt('B', 500));
  scheduler->step();
  EXPECT_LE(held(), 64U);
  run_to_end();
}

TEST_F(PassedConversations, LeaveInPiecesBetweenSteps) {
  (void)cached(1, prompt('A', 10 * kPieceTokens));
  submit(2, prompt('B', 20), 300);
  int most = 0;
  for (int before = archive.stores; held() >= kPieceTokens; before = archive.stores) {
    ASSERT_TRUE(scheduler->step());
    most = std::max(most, archive.stores - before);
  }
  EXPECT_EQ(archive.stores, 10);
  EXPECT_EQ(most, 1);
}

TEST_F(PassedConversations, OfHardlyAnyTokensStayAsLongAsTheyAreFew) {
  for (const char first : {'A', 'B', 'C'}) {
    (void)cached(static_cast<ipc::StreamId>(first), prompt(first, 30));
    answer(static_cast<ipc::StreamId>(first) + 32U, prompt('Z', 100), 300);
  }
  EXPECT_EQ(held(), 2 * 30 + 100U + 299U);
  EXPECT_EQ(cached(1, prompt('B', 30) + "!"), 30) << "the younger ones";
}

TEST_F(PassedConversations, ThatComeBackWholeAreAnsweredWithoutAStep) {
  answer(1, prompt('A', 600), 5);
  answer(2, prompt('B', 100), 300);
  const std::size_t before = model->tokens_computed();
  answer(3, prompt('A', 600), 1);
  EXPECT_EQ(model->tokens_computed(), before);
}

TEST_F(PassedConversations, OfAFewTokensLeaveTogether) {
  for (const char first : {'A', 'B', 'C'}) (void)cached(static_cast<ipc::StreamId>(first), prompt(first, 100));
  submit(4, prompt('D', 100), 30);
  for (int steps = 0; steps < 8; ++steps) scheduler->step();
  EXPECT_LT(held(), 110U);
  run_to_end();
}

TEST_F(PassedConversations, GiveTheFirstCellsToTheOneThatIsLeft) {
  (void)cached(1, prompt('A', 2500));
  std::size_t emptied_while_running = 0;
  model->during_truncate = [&](SequenceId sequence, std::size_t length) {
    if (length == 0 && model->content(sequence).size() > 100 && model->content(sequence).front() == 'B') ++emptied_while_running;
  };
  const std::size_t before = model->tokens_computed();
  answer(2, prompt('B', 100), 400);
  EXPECT_EQ(emptied_while_running, 1U);
  EXPECT_EQ(model->tokens_computed() - before, 100U + 399U) << "nothing is read again";
}

TEST_F(PassedConversations, AreReadAgainWhereAMoveLosesThem) {
  (void)cached(1, prompt('A', 2500));
  model->during_truncate = [&](SequenceId sequence, std::size_t length) {
    if (length == 0 && model->content(sequence).size() > 100 && model->content(sequence).front() == 'B') model->refused_loads = 1;
  };
  answer(2, prompt('B', 100), 400);
}

TEST_F(KeptConversations, ShortOnesAreNotWorthIt) {
  start(kSmall);
  (void)cached(1, prompt('A', 20));
  restart();
  EXPECT_EQ(archive.stores, 0);
}

TEST_F(KeptConversations, OfAModelWithoutAWayBackComeBackWhole) {
  start(kSmall, {.divisible = false, .reach = 0});
  (void)cached(1, prompt('A', 600));
  restart();
  model->reuse = [](std::size_t held, std::size_t wanted) { return wanted == held ? wanted : 0; };
  EXPECT_EQ(archive.stores, 1);
  EXPECT_EQ(cached(2, prompt('A', 300) + "elsewhere"), 0);
  EXPECT_EQ(cached(3, prompt('A', 600) + "on"), 600);
}

TEST_F(KeptConversations, OfASlidingWindowAreCutBackALittle) {
  start(kSmall, {.divisible = false, .reach = 10});
  (void)cached(1, prompt('A', 600));
  restart();
  EXPECT_EQ(cached(2, prompt('A', 595) + "elsewhere"), 595);
  restart();
  EXPECT_EQ(cached(3, prompt('A', 500) + "elsewhere"), 0);
}

class Checkpointed : public KeptConversations {
 protected:
  void SetUp() override {
    start({.batch_tokens = 64, .max_active = 2, .sequences = 2, .cells = 8192, .sequence_tokens = 4096}, {.divisible = false, .reach = 0});
    model->reuse = [](std::size_t held, std::size_t wanted) { return wanted == held ? wanted : 0; };
  }
};

TEST_F(Checkpointed, GoBackToTheEndOfTheLastPrompt) {
  submit(1, prompt('A', 600), 30);
  run_to_end();
  EXPECT_EQ(cached(2, prompt('A', 600) + "the answer as the client renders it"), 600);
}

TEST_F(Checkpointed, GoBackToAPlaceWithinALongPrompt) {
  (void)cached(1, prompt('A', 3000));
  const std::int64_t found = cached(2, prompt('A', 2500) + "a change in the middle" + std::string(500, 'z'));
  EXPECT_GE(found, 1024);
  EXPECT_LE(found, 2500);
}

TEST_F(Checkpointed, LessThanHalfInCommonTakesNoConversationOver) {
  (void)cached(1, prompt('A', 3000));
  EXPECT_EQ(cached(2, prompt('A', 1100) + "another conversation"), 0);
  EXPECT_EQ(cached(3, prompt('A', 3000) + "on"), 3000);
}

}  // namespace
}  // namespace pensieve::engine
