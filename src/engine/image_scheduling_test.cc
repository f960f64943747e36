// Requests with images in the scheduler.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "engine/fake_batch_model.h"
#include "engine/fake_images.h"
#include "engine/memory_archive_fake.h"
#include "engine/penalties.h"
#include "engine/scheduler.h"

namespace pensieve::engine {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::IsEmpty;

struct Told {
  std::int64_t cached = -1;
  std::int64_t prompt = 0;
  std::string text;
  bool finished = false;
  std::vector<Error> failed;
};

class ImageScheduling : public testing::Test {
 protected:
  static constexpr BatchLimits kLimits{
      .batch_tokens = 64, .max_active = 4, .sequences = 6, .cells = 4096, .sequence_tokens = 1024, .output_rows = 17, .takes_back = true};

  ImageScheduling() {
    model.during_decode = [this](auto) { clock.advance(milliseconds(5)); };
    model.script = [](std::span<const Token> content) { return content.back() == 'c' ? FakeVocabulary::kEnd : content.back() + 1; };
  }
  void TearDown() override { EXPECT_THAT(model.complaints, IsEmpty()); }

  // "look <image> at it": letters as tokens, an image for each "<12a>".
  PreparedRequest request(ipc::StreamId stream, std::string_view text, std::int64_t max_tokens = 8) {
    Prompt prompt;
    while (!text.empty()) {
      if (text.front() != '<') {
        prompt.tokens.push_back(text.front());
        text.remove_prefix(1);
        continue;
      }
      const std::size_t end = text.find('>');
      prompt.images.push_back({prompt.tokens.size(), images.cells(std::string(text.substr(1, end - 1)))});
      const auto& cells = prompt.images.back().image->tokens();
      prompt.tokens.insert(prompt.tokens.end(), cells.begin(), cells.end());
      text.remove_prefix(end + 1);
    }
    PreparedRequest prepared{
        .stream = stream, .control = std::make_shared<StreamControl>(), .arrived = clock.steady_now(), .prompt = std::move(prompt)};
    prepared.request.sampling.temperature = 0;
    prepared.request.max_tokens = max_tokens;
    return prepared;
  }
  Told ask(std::string_view text) {
    scheduler->add(request(++last, text));
    run_to_end();
    return told[last];
  }
  void run_to_end() {
    for (int steps = 0; scheduler->step(); ++steps) ASSERT_LT(steps, 10'000);
  }
  void tell(ipc::StreamId stream, GenerationEvent event) {
    Told& log = told[stream];
    if (const auto* started = std::get_if<Started>(&event)) {
      log.cached = started->usage.cached_prompt_tokens;
      log.prompt = started->usage.prompt_tokens;
    }
    if (const auto* delta = std::get_if<Delta>(&event)) log.text += delta->text;
    if (std::holds_alternative<Finished>(event)) log.finished = true;
    if (const auto* failed = std::get_if<Failed>(&event)) log.failed.push_back(failed->error);
  }
  std::unique_ptr<Scheduler> make(StateArchive* archive = nullptr, bool speculation = false) {
    return std::make_unique<Scheduler>(
        model, vocabulary, clock, [this](ipc::StreamId stream, GenerationEvent event) { tell(stream, std::move(event)); },
        [] { return 1U; }, archive, speculation);
  }

  ManualClock clock;
  FakeVocabulary vocabulary;
  FakeBatchModel model{kLimits};
  FakeImageReader images;
  std::map<ipc::StreamId, Told> told;
  ipc::StreamId last = 0;
  std::unique_ptr<Scheduler> scheduler = make();
};

TEST_F(ImageScheduling, TextAndImagesReachTheModelInOrder) {
  const Told answer = ask("see<10x>and<3y>a");
  EXPECT_EQ(answer.text, "bc");
  EXPECT_EQ(answer.prompt, 3 + 10 + 3 + 3 + 1);
  EXPECT_EQ(model.images, (std::vector<FakeBatchModel::ImageStep>{{0, 0, 10, 1}, {0, 0, 3, 2}}));
}

TEST_F(ImageScheduling, ALargeImageIsReadInPiecesAndAWholeOneAtOnce) {
  EXPECT_TRUE(ask("<100x>a").finished);
  EXPECT_EQ(model.images, (std::vector<FakeBatchModel::ImageStep>{{0, 0, 64, 0}, {0, 64, 36, 0}}));
  model.images.clear();
  scheduler->throttle(16, 0);
  images.whole = true;
  EXPECT_TRUE(ask("<60y>a").finished);
  ASSERT_EQ(model.images.size(), 1U);
  EXPECT_EQ(model.images[0].count, 60U);
}

TEST_F(ImageScheduling, TheNextTurnFindsTheImageInTheCacheAndAnotherImageDoesNot) {
  EXPECT_EQ(ask("look<40x>a").cached, 0);
  model.images.clear();
  EXPECT_EQ(ask("look<40x>abca").cached, 4 + 40 + 3);
  EXPECT_THAT(model.images, IsEmpty());
  EXPECT_EQ(ask("look<40y>a").cached, 4) << "of another image only the text before it is the same";
  EXPECT_EQ(model.images.size(), 1U);
}

TEST_F(ImageScheduling, AConversationWithAnImageComesBackFromTheArchive) {
  MemoryArchive archive;
  scheduler = make(&archive);
  ask("look<60x>a");
  scheduler->save_all();
  model.images.clear();
  FakeBatchModel restarted(kLimits);
  restarted.script = model.script;
  Scheduler again(
      restarted, vocabulary, clock, [this](ipc::StreamId stream, GenerationEvent event) { tell(stream, std::move(event)); },
      [] { return 1U; }, &archive);
  again.add(request(100, "look<60x>abca"));
  again.add(request(101, "look<60y>abca"));
  while (again.step()) {
  }
  EXPECT_GT(told[100].cached, 60);
  EXPECT_LT(told[101].cached, 60);
  EXPECT_THAT(restarted.complaints, IsEmpty());
}

// What a cut leaves of an image is gone on from.
TEST_F(ImageScheduling, GoesOnWithinAnImage) {
  model.reuse = [](std::size_t held, std::size_t wanted) { return std::min(held, std::min<std::size_t>(wanted, 20)); };
  ask("look<40x>a");
  model.images.clear();
  EXPECT_EQ(ask("look<40x>abca").cached, 20);
  ASSERT_EQ(model.images.size(), 1U);
  EXPECT_EQ(model.images[0].first, 16U);
  EXPECT_EQ(model.images[0].count, 24U);
}

TEST_F(ImageScheduling, OtherStreamsGoOnBetweenImages) {
  model.script = [](std::span<const Token>) { return 'x'; };
  scheduler->add(request(1, "text", 40));
  scheduler->step();
  scheduler->add(request(2, "<64x><64y><64z>a", 1));
  const std::size_t before = model.batches.size();
  while (!told[2].finished) ASSERT_TRUE(scheduler->step());
  ASSERT_EQ(model.images.size(), 3U);
  for (std::size_t i = 1; i < 3; ++i) EXPECT_GT(model.images[i].batches_before, model.images[i - 1].batches_before) << "a step between two";
  EXPECT_GT(model.batches.size(), before + 2);
  run_to_end();
  EXPECT_TRUE(told[1].finished);
}

TEST_F(ImageScheduling, AnImageThatCantBeComputedFailsItsRequestOnly) {
  scheduler->add(request(1, "text", 4));
  scheduler->step();
  model.outcome = [this] {
    return scheduler->active() == 2 && model.images.empty() && told[2].failed.empty() ? DecodeOutcome::kFailed : DecodeOutcome::kDone;
  };
  scheduler->add(request(2, "<8x>a"));
  // The first step after it came is the image's.
  run_to_end();
  ASSERT_EQ(told[2].failed.size(), 1U);
  EXPECT_THAT(told[2].failed[0].message, HasSubstr("failed to compute"));
  EXPECT_TRUE(told[1].finished);
}

TEST_F(ImageScheduling, WhereThereIsNoRoomIdleContentGoesFirst) {
  ask("<500x>a");
  ask("<900y>a");
  ask("<900z>a");
  ask("<900u>a");
  ask("<900v>a");
  EXPECT_TRUE(ask("<900w>a").finished);
}

TEST_F(ImageScheduling, CellsAreNeverGuessed) {
  scheduler = make(nullptr, true);
  // Repeats the prompt, where an image would follow.
  model.script = [](std::span<const Token> content) { return content.back() == 'p' ? 'a' : content.back() + 1; };
  const std::string text = "abcdefghijklmnop";
  scheduler->add(request(7, text + "<4x>" + text + "<4x>" + text.substr(0, 8), 40));
  run_to_end();
  EXPECT_TRUE(told[7].finished);
  std::size_t guesses = 0;
  for (const auto& batch : model.batches) {
    for (const BatchToken& token : batch) EXPECT_GE(token.token, 0);
    guesses += std::ranges::count_if(batch, &BatchToken::wants_logits) > 1 ? 1 : 0;
  }
  EXPECT_GT(guesses, 0U);
}

TEST(PenaltiesOfPrompts, PassOverImages) {
  Sampling sampling;
  sampling.repetition_penalty = 2;
  const std::vector<Token> prompt = {-5, 3, -1};
  std::vector<float> memory(20, 1.0F);
  Penalties(sampling, prompt).apply(std::span(memory).subspan(10, 8));
  std::vector<float> expected(20, 1.0F);
  expected[13] = 0.5F;
  EXPECT_EQ(memory, expected);
}

}  // namespace
}  // namespace pensieve::engine
