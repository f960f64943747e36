#include "manager/cascade_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manager/fake_generations.h"

namespace pensieve {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Script = FakeGenerations::Script;

class Cascading : public testing::Test {
 protected:
  std::unique_ptr<CascadeStream> begin(GenerationRequest request = {.model = "small"}) {
    auto small = completed(service.generate(CascadeStream::with_logprobs(request)));
    return std::make_unique<CascadeStream>(service, clock, *std::move(small), std::move(request), "large", CascadeStream::Settings{2, 0.6},
                                           [this](const CascadeOutcome& seen) { outcome = seen; });
  }
  // The text up to the end; "!" and the message for a failure.
  std::string take(CascadeStream& stream) {
    std::string text;
    for (;;) {
      const auto event = completed(stream.next(1h));
      if (!event) continue;
      if (const auto* delta = std::get_if<Delta>(&*event)) {
        text += delta->text;
        logprobs += delta->logprobs.size();
      }
      if (const auto* failed = std::get_if<Failed>(&*event)) text += "!" + failed->error.message;
      if (std::holds_alternative<Started>(*event)) ++started;
      if (is_terminal(*event)) return text;
    }
  }

  ManualClock clock;
  FakeGenerations service{clock};
  std::optional<CascadeOutcome> outcome;
  std::size_t logprobs = 0;
  int started = 0;

  const Script sure = {
      {Started{}}, {scored_delta("A", -0.1)}, {scored_delta("B", -0.1), false, 30ms}, {scored_delta("C", -9)}, {Finished{}}};
  const Script unsure = {{Started{}}, {scored_delta("x", -2)}, {scored_delta("y", -2), false, 30ms}, {scored_delta("z", -2)}, {Finished{}}};
  const Script large = {{Started{}}, {Delta{.text = "Better", .tokens = 1}}, {Finished{}}};
};

TEST_F(Cascading, ASureAnswerIsPassedOnWholeAndWithoutProbabilitiesThatNobodyAskedFor) {
  service.play("small", sure);
  const auto stream = begin();
  EXPECT_EQ(take(*stream), "ABC");
  EXPECT_EQ(stream->model(), "small");
  EXPECT_EQ(logprobs, 0U);
  EXPECT_EQ(started, 1);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->escalated);
  EXPECT_EQ(outcome->tokens, 2);
  EXPECT_NEAR(outcome->confidence, 0.905, 0.001);
  EXPECT_EQ(outcome->time, 30ms);
  EXPECT_EQ(service.requests.size(), 1U) << "the larger model is not asked";
}

TEST_F(Cascading, ProbabilitiesThatWereAskedForStay) {
  service.play("small", sure);
  const auto stream = begin({.model = "small", .top_logprobs = 1});
  take(*stream);
  EXPECT_EQ(logprobs, 3U);
}

TEST_F(Cascading, ADoubtfulAnswerIsNeverSeen) {
  service.play("small", unsure);
  service.play("large", large);
  const auto stream = begin();
  EXPECT_EQ(take(*stream), "Better");
  EXPECT_EQ(stream->model(), "large");
  EXPECT_EQ(started, 1);
  EXPECT_EQ(stream->degraded(), "");
  ASSERT_TRUE(outcome && outcome->escalated);
  EXPECT_THAT(outcome->reason, HasSubstr("confidence"));
  EXPECT_EQ(service.requests.back().top_logprobs, -1);
}

TEST_F(Cascading, TheSmallModelIsLeftBeforeTheLargeOneLoads) {
  service.play("small", unsure);
  service.play("large", large);
  service.unsettled = {"large"};
  const auto stream = begin();
  EXPECT_FALSE(completed(stream->next(1s))) << "the load takes longer than the patience";
  EXPECT_EQ(service.running, 0);
  EXPECT_EQ(stream->model(), "large");
  EXPECT_EQ(take(*stream), "Better");
}

TEST_F(Cascading, AFailureOfTheSmallModelEscalates) {
  service.play("small", {{Started{}}, {Failed{{ErrorCode::kWorkerLost, "gone", "", ""}}}});
  service.play("large", large);
  EXPECT_EQ(take(*begin()), "Better");
}

TEST_F(Cascading, WhereTheLargeModelCannotBeHadTheSmallOneAnswersAndItIsSaid) {
  service.play("small", unsure);
  service.refusals["large"] = {ErrorCode::kOutOfMemory, "no memory", "", ""};
  const auto stream = begin();
  EXPECT_EQ(take(*stream), "xyz");
  EXPECT_EQ(stream->model(), "small");
  EXPECT_THAT(stream->degraded(), HasSubstr("'large' could not answer (no memory)"));
}

TEST_F(Cascading, FailsOnlyIfNeitherCanBeHad) {
  service.play("small", unsure);
  const auto stream = begin();
  service.refusals["large"] = service.refusals["small"] = {ErrorCode::kOutOfMemory, "no memory", "", ""};
  EXPECT_EQ(take(*stream), "!no memory");
}

TEST_F(Cascading, WaitsWithoutLosingWhatCame) {
  Script slow = sure;
  slow[2].pause = true;
  service.play("small", slow);
  const auto stream = begin();
  EXPECT_FALSE(completed(stream->next(1s)));
  EXPECT_EQ(take(*stream), "ABC");
}

}  // namespace
}  // namespace pensieve
