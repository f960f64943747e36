// Requests with different sets of adapters on one scheduler.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "engine/fake_batch_model.h"
#include "engine/memory_archive_fake.h"
#include "engine/scheduler.h"

namespace pensieve::engine {
namespace {

class AdapterScheduling : public testing::Test {
 protected:
  AdapterScheduling() {
    model.during_decode = [this](std::span<const BatchToken> batch) {
      clock.advance(std::chrono::milliseconds(5));
      // All tokens of a batch belong to requests of one set.
      for (const BatchToken& token : batch) keys_of_sequence[token.sequence].push_back(model.used_key);
    };
    start();
  }
  void start() {
    scheduler.emplace(
        model, vocabulary, clock,
        [this](ipc::StreamId stream, GenerationEvent event) {
          if (const auto* finished = std::get_if<Finished>(&event)) usage[stream] = finished->usage;
          if (const auto* delta = std::get_if<Delta>(&event)) text[stream] += delta->text;
        },
        [] { return 1U; }, &archive);
  }
  // As after a restart: the cache is empty, the archive is not.
  void forget_all() {
    scheduler->save_all();
    scheduler.reset();
    for (std::size_t i = 0; i < model.limits().sequences; ++i) (void)model.truncate(static_cast<SequenceId>(i), 0);
    start();
  }
  void TearDown() override { EXPECT_THAT(model.complaints, testing::IsEmpty()); }

  static AdapterSetPointer set(std::uint64_t key, std::string_view invocation = {}) {
    auto made = std::make_shared<AdapterSet>();
    made->key = key;
    for (const char c : invocation) made->invocation.push_back(static_cast<unsigned char>(c));
    return made;
  }
  void submit(ipc::StreamId stream, std::string_view prompt, AdapterSetPointer adapters, std::int64_t max_tokens = 20) {
    PreparedRequest prepared;
    prepared.stream = stream;
    prepared.control = std::make_shared<StreamControl>();
    prepared.arrived = clock.steady_now();
    prepared.request.sampling.temperature = 0;
    prepared.request.max_tokens = max_tokens;
    prepared.prompt = Prompt{vocabulary.tokenize(prompt, false), "", {}};
    prepared.adapters = std::move(adapters);
    scheduler->add(std::move(prepared));
  }
  void run_to_end() {
    for (int steps = 0; scheduler->step(); ++steps) ASSERT_LT(steps, 10'000);
  }

  ManualClock clock;
  FakeVocabulary vocabulary;
  FakeBatchModel model{{.batch_tokens = 64, .max_active = 4, .sequences = 6, .cells = 4096, .sequence_tokens = 1024}};
  std::map<SequenceId, std::vector<std::uint64_t>> keys_of_sequence;
  std::map<ipc::StreamId, Usage> usage;
  std::map<ipc::StreamId, std::string> text;
  MemoryArchive archive;
  std::optional<Scheduler> scheduler;
};

TEST_F(AdapterScheduling, EachStepComputesOneSetAndAllMakeProgress) {
  submit(1, "abc", nullptr);
  submit(2, "abc", set(5));
  submit(3, "abc", set(6));
  submit(4, "xyz", set(5));
  run_to_end();
  ASSERT_EQ(usage.size(), 4U);
  for (const auto& [stream, used] : usage) EXPECT_EQ(used.completion_tokens, 20);
  for (const auto& [sequence, keys] : keys_of_sequence) {
    EXPECT_THAT(keys, testing::Each(keys.front())) << "a sequence was computed with two sets";
  }
  EXPECT_THAT(model.batch_keys, testing::IsSupersetOf({0U, 5U, 6U}));
  EXPECT_EQ(text[1], text[2]);
}

TEST_F(AdapterScheduling, APrefixIsSharedWithinASetOnly) {
  submit(1, "a long prompt", set(5), 1);
  run_to_end();
  submit(2, "a long prompt", nullptr, 1);
  submit(3, "a long prompt", set(6), 1);
  run_to_end();
  EXPECT_EQ(usage[2].cached_prompt_tokens, 0);
  EXPECT_EQ(usage[3].cached_prompt_tokens, 0);
  submit(4, "a long prompt", set(5), 1);
  submit(5, "a long prompt", set(6), 1);
  submit(6, "a long prompt", nullptr, 1);
  run_to_end();
  for (const ipc::StreamId stream : {4U, 5U, 6U}) EXPECT_EQ(usage[stream].cached_prompt_tokens, 12) << stream;
}

TEST_F(AdapterScheduling, AnActivatedAdapterKeepsThePrefixBeforeItsInvocation) {
  submit(1, "a long conversation", nullptr, 1);
  run_to_end();
  keys_of_sequence.clear();
  submit(2, "a long conversation<rate>", set(5, "<rate>"), 4);
  run_to_end();
  EXPECT_EQ(usage[2].cached_prompt_tokens, 19);
  ASSERT_EQ(keys_of_sequence.size(), 1U);
  EXPECT_THAT(keys_of_sequence.begin()->second, testing::Each(5U));
  // Without its invocation in the prompt it does nothing.
  keys_of_sequence.clear();
  submit(3, "no call", set(5, "<rate>"), 4);
  run_to_end();
  EXPECT_THAT(keys_of_sequence.begin()->second, testing::Each(0U));
}

TEST_F(AdapterScheduling, ThePartBeforeTheInvocationIsComputedWithoutTheAdapter) {
  submit(1, "text<rate>", set(5, "<rate>"), 3);
  run_to_end();
  const std::vector<std::uint64_t>& keys = keys_of_sequence.begin()->second;
  ASSERT_EQ(keys.size(), 12U);
  EXPECT_THAT(std::vector<std::uint64_t>(keys.begin(), keys.begin() + 4), testing::Each(0U));
  EXPECT_THAT(std::vector<std::uint64_t>(keys.begin() + 4, keys.end()), testing::Each(5U));
}

TEST_F(AdapterScheduling, WhatIsArchivedComesBackForItsOwnSetOnly) {
  const std::string prompt(600, 'x');
  for (const AdapterSetPointer& own : {set(5), AdapterSetPointer()}) {
    submit(1, prompt, own, 1);
    run_to_end();
    forget_all();
    const int reads = archive.reads;
    submit(2, prompt + "!", set(6), 1);
    run_to_end();
    EXPECT_EQ(usage[2].cached_prompt_tokens, 0);
    EXPECT_EQ(archive.reads, reads);
    submit(3, prompt + "!", own, 1);
    run_to_end();
    EXPECT_EQ(usage[3].cached_prompt_tokens, 600);
    EXPECT_EQ(archive.reads, reads + 3);
    forget_all();
    archive = MemoryArchive();
  }
}

TEST_F(AdapterScheduling, AnActivatedAdaptersConversationComesBackBeforeAndAfterItsInvocation) {
  const std::string plain(300, 'x');
  const std::string prompt = plain + "<rate>" + std::string(300, 'y');
  submit(1, prompt, set(5, "<rate>"), 1);
  run_to_end();
  forget_all();
  submit(2, prompt + "!", set(5, "<rate>"), 1);
  run_to_end();
  EXPECT_EQ(usage[2].cached_prompt_tokens, 606);
  forget_all();
  submit(3, prompt + "!", nullptr, 1);
  run_to_end();
  EXPECT_EQ(usage[3].cached_prompt_tokens, 300) << "what was computed without it serves all";
  forget_all();
  submit(4, prompt + "!", set(6, "<rate>"), 1);
  run_to_end();
  EXPECT_EQ(usage[4].cached_prompt_tokens, 300);
  forget_all();
  // A conversation without the adapter covers the beginning in pieces of its own.
  submit(5, plain + "<rate>" + std::string(300, 'z'), nullptr, 1);
  run_to_end();
  forget_all();
  submit(6, prompt + "!", set(5, "<rate>"), 1);
  run_to_end();
  EXPECT_EQ(usage[6].cached_prompt_tokens, 606);
}

TEST_F(AdapterScheduling, ABranchWithAnotherSetSavesItsOwnPieces) {
  const std::string plain(280, 'x');
  submit(1, plain + std::string(300, 'p'), nullptr, 1);
  run_to_end();
  scheduler->save_all();
  // It shares the first tokens with a saved conversation, in the cells.
  submit(2, plain + "<rate>" + std::string(300, 'y'), set(5, "<rate>"), 1);
  run_to_end();
  EXPECT_EQ(usage[2].cached_prompt_tokens, 280);
  forget_all();
  submit(3, plain + "<rate>" + std::string(300, 'y') + "!", set(5, "<rate>"), 1);
  run_to_end();
  EXPECT_EQ(usage[3].cached_prompt_tokens, 586);
}

}  // namespace
}  // namespace pensieve::engine
