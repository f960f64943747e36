#include "manager/failover_stream.h"

#include "manager/fake_manager.h"

namespace pensieve {
namespace {

// "big" is the default model and "little" the fallback; both fit at once. "other" fits only alone.
class Failover : public ManagerFixture {
 protected:
  Failover() {
    directory_.add("big", gigabytes(5));
    directory_.add("little", gigabytes(1));
    directory_.add("other", gigabytes(8));
    directory_.at("little").aliases = {"fallback"};
    config_.memory.limit_bytes = gigabytes(10).value;
  }

  std::shared_ptr<Outcome<Generated>> ask_for_story(std::optional<std::int64_t> max_tokens = std::nullopt) {
    GenerationRequest request;
    request.model = "big";
    request.messages = {{.role = Role::kUser, .text = "Tell me a story."}};
    request.max_tokens = max_tokens;
    return spawn(manager().generate(std::move(request)));
  }
  void emit(const std::string& model, GenerationEvent event) {
    const auto worker = workers_.of(model);
    ASSERT_TRUE(worker && !worker->requests.empty()) << model;
    worker->emit(worker->requests.rbegin()->first, std::move(event));
  }
  void kill(const std::string& model, const std::string& how = "ended by signal 9 (Killed)") {
    workers_.of(model)->die(how);
    settle();
  }
  const GenerationRequest& asked(const std::string& model) { return workers_.of(model)->requests.rbegin()->second; }
  // The text that is there for the client now, until an event that is none.
  std::string text(GenerationStream& stream) {
    std::string text;
    for (;;) {
      const auto event = spawn(stream.next(std::chrono::milliseconds(0)));
      run_until([&] { return event->done(); });
      if (!event->value || !*event->value) return text;
      if (const auto* delta = std::get_if<Delta>(&**event->value)) {
        text += delta->text;
      } else if (!std::holds_alternative<Started>(**event->value)) {
        last_ = **event->value;
        return text;
      }
    }
  }
  static Delta words(std::string text, std::int32_t tokens) {
    Delta delta;
    delta.text = std::move(text);
    delta.tokens = tokens;
    return delta;
  }

  std::optional<GenerationEvent> last_;
};

TEST_F(Failover, TheFallbackContinuesTheStreamFromTheTextThatWasSent) {
  load("big");
  load("little");
  const auto request = ask_for_story(20);
  GenerationStream& stream = ***request->value;
  emit("big", Started{{.prompt_tokens = 9}});
  emit("big", words("Once upon", 2));
  EXPECT_EQ(text(stream), "Once upon");
  EXPECT_EQ(stream.degraded(), "");
  emit("big", words(" a time", 3));  // on its way when the worker dies
  kill("big");
  EXPECT_EQ(text(stream), " a time");
  EXPECT_EQ(stream.model(), "little");
  EXPECT_EQ(stream.degraded(), "big failed; little went on after 5 tokens");
  EXPECT_EQ(asked("little").messages.back(), (Message{.role = Role::kAssistant, .text = "Once upon a time"}));
  EXPECT_EQ(asked("little").max_tokens, 15);
  emit("little", Started{{.prompt_tokens = 14}});
  emit("little", words(" there was", 2));
  emit("little", Finished{.usage = {.prompt_tokens = 14, .completion_tokens = 2}});
  EXPECT_EQ(text(stream), " there was");
  EXPECT_EQ(std::get<Finished>(*last_).usage, (Usage{.prompt_tokens = 9, .completion_tokens = 7}));
  const ServiceStatus status = manager().status();
  EXPECT_EQ(status.answers_continued, 1U);
  EXPECT_EQ(status.requests_failed, 0U);
  EXPECT_EQ(status.completion_tokens_total, 7);
}

TEST_F(Failover, AHangingWorkersAnswerGoesOnTheSameWay) {
  load("big");
  load("little");
  const auto request = ask_for_story();
  emit("big", words("Once", 1));
  text(***request->value);
  kill("big", "it gave no sign of life for 10 s");
  text(***request->value);
  emit("little", words(" upon", 1));
  EXPECT_EQ(text(***request->value), " upon");
}

TEST_F(Failover, BeforeAnyTextTheSameModelIsLoadedAgainAndNobodySeesIt) {
  load("big");
  load("little");
  const auto request = ask_for_story();
  GenerationStream& stream = ***request->value;
  emit("big", Started{});
  kill("big");
  EXPECT_EQ(text(stream), "");
  finish_load("big");
  EXPECT_EQ(text(stream), "");
  EXPECT_EQ(asked("big").messages.size(), 1U);
  emit("big", words("Once", 1));
  EXPECT_EQ(text(stream), "Once");
  EXPECT_EQ(stream.model(), "big");
  EXPECT_EQ(stream.degraded(), "");
  EXPECT_EQ(manager().status().answers_retried, 1U);
}

TEST_F(Failover, WithNoOtherModelReadyTheLostOneIsLoadedAgainAndWritesOn) {
  load("big");
  const auto request = ask_for_story();
  emit("big", words("Once", 1));
  text(***request->value);
  kill("big");
  EXPECT_EQ(text(***request->value), "");
  finish_load("big");
  text(***request->value);
  emit("big", words(" upon", 1));
  EXPECT_EQ(text(***request->value), " upon");
  EXPECT_EQ((**request->value)->degraded(), "");
}

TEST_F(Failover, AModelThatKeepsDyingHandsTheAnswerToTheFallback) {
  load("big");
  kill("big");
  load("big");
  const auto request = ask_for_story();
  emit("big", words("Once", 1));
  text(***request->value);
  kill("big");  // the second time in a row: it is not loaded again
  EXPECT_EQ(text(***request->value), "");
  finish_load("little");
  EXPECT_EQ(text(***request->value), "");
  EXPECT_EQ((**request->value)->model(), "little");
}

TEST_F(Failover, AModelThatFailsToComputeIsNotAskedAgain) {
  load("big");
  const auto request = ask_for_story();
  emit("big", words("Once", 1));
  emit("big", Failed{{ErrorCode::kOutOfMemory, "no memory for the step", "", ""}});
  EXPECT_EQ(text(***request->value), "Once");
  finish_load("little");
  text(***request->value);
  emit("little", words(" upon", 1));
  EXPECT_EQ(text(***request->value), " upon");
}

TEST_F(Failover, SaysWhatTheModelThatGoesOnHasLessOf) {
  // 1 GB of weights and 2.5 MB a token: 4,096 tokens would take 10 GB more.
  directory_.at("little").kv_bytes_per_token = 2'500'000;
  load("big");
  const auto request = ask_for_story();
  emit("big", words("Once", 1));
  emit("big", Failed{{ErrorCode::kOutOfMemory, "no memory for the step", "", ""}});
  text(***request->value);
  EXPECT_EQ((**request->value)->degraded(), "big failed; little went on after 1 tokens");
  finish_load("little");
  text(***request->value);
  EXPECT_EQ((**request->value)->degraded(), "big failed; little went on after 1 tokens; " + status("little").reduced);
  EXPECT_NE(status("little").reduced.find("tokens instead of 4096"), std::string::npos);
}

TEST_F(Failover, TheSpeedOfTheLastPartIsTheModelsThatWroteIt) {
  directory_.at("big").fingerprint = "of big";
  directory_.at("little").fingerprint = "of little";
  load("big");
  load("little");
  const auto request = ask_for_story();
  emit("big", words("Once", 1));
  kill("big");
  text(***request->value);
  emit("little", Finished{.usage = {.prompt_tokens = 100, .completion_tokens = 51}, .timings = {.decode_us = 5'000'000}});
  text(***request->value);
  EXPECT_FALSE(ledger_.find("of big", store::MeasurementKind::kDecodeTps, "f16", 0));
  const auto speed = ledger_.find("of little", store::MeasurementKind::kDecodeTps, "f16", 0);
  ASSERT_TRUE(speed);
  EXPECT_DOUBLE_EQ(speed->value, 10);
}

TEST_F(Failover, WhatIsTheRequestsOwnFaultIsTheClientsErrorAtOnce) {
  load("big");
  load("little");
  const auto request = ask_for_story();
  emit("big", Failed{{ErrorCode::kContextOverflow, "prompt is too long: 9 tokens > 8 maximum", "", ""}});
  text(***request->value);
  EXPECT_EQ(std::get<Failed>(*last_).error.code, ErrorCode::kContextOverflow);
  EXPECT_EQ(manager().status().requests_failed, 1U);
}

TEST_F(Failover, ARequestThatKillsWorkerAfterWorkerEndsInItsFirstError) {
  load("big");
  load("little");
  const auto request = ask_for_story();
  kill("big", "ended by signal 11 (Segmentation fault)");
  text(***request->value);
  finish_load("big");
  text(***request->value);
  kill("big", "ended by signal 11 (Segmentation fault)");
  text(***request->value);
  ASSERT_TRUE(workers_.of("little"));
  kill("little", "ended by signal 11 (Segmentation fault)");
  text(***request->value);
  ASSERT_TRUE(last_ && std::holds_alternative<Failed>(*last_));
  EXPECT_NE(std::get<Failed>(*last_).error.message.find("signal 11"), std::string::npos);
  EXPECT_EQ(workers_.started.size(), 3U);
}

TEST_F(Failover, AnAnswerThatBringsTextEachTimeMovesOnlySoOften) {
  load("big");
  load("little");
  const auto request = ask_for_story();
  GenerationStream& stream = ***request->value;
  int moves = 0;
  for (std::string model = "big"; moves < 100 && !last_; ++moves) {
    emit(model, words("x", 1));
    text(stream);
    kill(model);
    text(stream);
    clock_.advance(std::chrono::hours(1));  // past every back-off
    if (const auto loading = workers_.loading()) {
      loading->finish_load();
      settle();
    }
    text(stream);
    model = stream.model();
  }
  EXPECT_TRUE(std::holds_alternative<Failed>(*last_));
  EXPECT_LE(moves, FailoverStream::kMostMoves + 1);
  EXPECT_GT(moves, 4);
}

TEST_F(Failover, AModelThatBreaksAtLoadingLeavesTheAnswerToAnother) {
  const auto request = ask_for_story();
  workers_.of("big")->fail_load({ErrorCode::kOutOfMemory, "no memory for the context", "", ""});
  settle();
  ASSERT_TRUE(answered(request));
  EXPECT_EQ(text(***request->value), "");
  finish_load("little");
  text(***request->value);
  emit("little", words("Hello", 1));
  EXPECT_EQ(text(***request->value), "Hello");
  EXPECT_EQ((**request->value)->degraded(), "big failed; little answers instead");
  // While it backs off, too.
  const auto next_one = ask_for_story();
  ASSERT_TRUE(answered(next_one));
  EXPECT_EQ((**next_one->value)->model(), "little");
}

TEST_F(Failover, WhileTheNextModelLoadsTheWaitIsOnlyAsLongAsAsked) {
  load("big");
  const auto request = ask_for_story();
  kill("big");
  const auto waits = spawn((**request->value)->next(std::chrono::milliseconds(1)));
  run_until([&] { return waits->done(); });
  EXPECT_FALSE(*waits->value);  // the dialect pings and calls again
  finish_load("big");
  EXPECT_EQ(text(***request->value), "");
  emit("big", words("Once", 1));
  EXPECT_EQ(text(***request->value), "Once");
}

TEST_F(Failover, AStreamThatMovesGivesItsModelBack) {
  load("big");
  load("little");
  const auto request = ask_for_story();
  emit("big", words("Once", 1));
  text(***request->value);
  kill("big");
  text(***request->value);
  EXPECT_EQ(status("little").active_requests, 1);
  end(request);
  EXPECT_EQ(status("little").active_requests, 0);
  EXPECT_EQ(status("big").active_requests, 0);
}

TEST_F(Failover, TheServersStopIsNoReasonToGoOn) {
  load("big");
  load("little");
  const auto request = ask_for_story();
  const auto event = next(***request->value);
  run(manager().stop());
  ASSERT_TRUE(event->done());
  EXPECT_TRUE(std::holds_alternative<Failed>(**event->value));
  EXPECT_EQ(workers_.started.size(), 2U);
}

TEST_F(Failover, ReachesNoOtherModelWhereConfigurationSaysSo) {
  config_.engine.failover = "same";
  load("big");
  load("little");
  const auto request = ask_for_story();
  emit("big", words("Once", 1));
  text(***request->value);
  kill("big");
  text(***request->value);
  EXPECT_EQ((**request->value)->model(), "big");
  EXPECT_EQ(status("big").state, ModelState::kLoading);
}

}  // namespace
}  // namespace pensieve
