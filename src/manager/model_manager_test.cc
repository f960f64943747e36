#include "manager/model_manager.h"

#include <algorithm>
#include <format>

#include "manager/fake_manager.h"

namespace pensieve {
namespace {

// Room for one of the two large models, or for the small one beside one of them.
class ManagerOfModels : public ManagerFixture {
 protected:
  ManagerOfModels() {
    directory_.add("a", gigabytes(7));
    directory_.add("b", gigabytes(7));
    directory_.add("small", gigabytes(1));
    config_.memory.limit_bytes = gigabytes(10).value;
  }

  struct Turns {
    int switches = 0;  // loads after the first
    SteadyTime::duration longest_wait{};
  };
  // Two clients, one of "a" and one of "b", which don't fit together, each sending its next request as
  // soon as it is answered, until `answers` are given. An answer takes 100 ms of the clock, a load 400.
  Turns take_turns(int answers) {
    struct Client {
      std::string model;
      std::shared_ptr<Outcome<Generated>> request;
      SteadyTime asked;
    };
    Turns turns;
    std::vector<Client> clients{{"a", ask("a"), clock_.steady_now()}, {"b", ask("b"), clock_.steady_now()}};
    for (int step = 0; answers > 0 && step < 10'000; ++step) {
      if (const auto loading = workers_.loading()) {
        clock_.advance(std::chrono::milliseconds(400));
        loading->finish_load();
        settle();
      }
      for (Client& client : clients) {
        if (!answered(client.request)) continue;
        turns.longest_wait = std::max(turns.longest_wait, clock_.steady_now() - client.asked);
        clock_.advance(std::chrono::milliseconds(100));
        --answers;
        end(client.request);
        client.asked = clock_.steady_now();
        client.request = ask(client.model);
      }
      clock_.advance(std::chrono::milliseconds(5));
      EXPECT_TRUE(manager().pin("small", false));  // lets all who wait look at the clock again
      settle();
    }
    turns.switches = static_cast<int>(workers_.started.size()) - 1;
    return turns;
  }
};

TEST_F(ManagerOfModels, RequestsForOneModelShareItsLoad) {
  const auto first = ask("a");
  const auto second = ask("auto");
  EXPECT_FALSE(first->done());
  EXPECT_EQ(workers_.started.size(), 1U);
  EXPECT_EQ(status("a").state, ModelState::kLoading);
  finish_load("a");
  EXPECT_TRUE(answered(first) && answered(second));
  EXPECT_EQ((*first->value)->get()->model(), "a");
  EXPECT_EQ(workers_.started.size(), 1U);
  EXPECT_EQ(status("a").active_requests, 2);
}

TEST_F(ManagerOfModels, EventsOfAStreamComeInOrderAndAreCounted) {
  load("a");
  const auto request = ask("a");
  const auto worker = workers_.of("a");
  const auto event = next(***request->value);
  EXPECT_FALSE(event->done());
  worker->emit(1, Delta{.text = "hello"});
  worker->emit(1, Finished{.usage = {.prompt_tokens = 5, .completion_tokens = 2}});
  settle();
  EXPECT_EQ(std::get<Delta>(**event->value).text, "hello");
  EXPECT_TRUE(std::holds_alternative<Finished>(**next(***request->value)->value));
  end(request);
  EXPECT_EQ(worker->dropped, (std::vector<ipc::StreamId>{1}));
  EXPECT_EQ(manager().status().prompt_tokens_total, 5);
  EXPECT_EQ(manager().status().completion_tokens_total, 2);
}

TEST_F(ManagerOfModels, OnlyAnswersThatHadTheMachineToThemselvesAreMeasurements) {
  using store::MeasurementKind;
  directory_.at("a").fingerprint = "fa";
  load("a");
  EXPECT_EQ(ledger_.find("fa", MeasurementKind::kLoadMs, "", 0)->value, 7);
  const Finished answer{.usage = {.prompt_tokens = 100, .completion_tokens = 51},
                        .timings = {.prefill_us = 1'000'000, .decode_us = 5'000'000}};
  const auto finish = [&](const std::shared_ptr<Outcome<Generated>>& request, ipc::StreamId stream) {
    workers_.of("a")->emit(stream, answer);
    next(***request->value);
    end(request);
  };
  const auto first = ask("a");
  const auto second = ask("a");
  finish(first, 1);
  finish(second, 2);
  EXPECT_FALSE(ledger_.find("fa", MeasurementKind::kDecodeTps, "f16", 0)) << "they shared it";
  finish(ask("a"), 3);
  EXPECT_DOUBLE_EQ(ledger_.find("fa", MeasurementKind::kDecodeTps, "f16", 0)->value, 10);
  EXPECT_DOUBLE_EQ(ledger_.find("fa", MeasurementKind::kPrefillTps, "f16", 0)->value, 100);
}

TEST_F(ManagerOfModels, AnAnswerWithGuessedTokensSaysNothingAboutTheDecodingSpeed) {
  using store::MeasurementKind;
  directory_.at("a").fingerprint = "fa";
  load("a");
  const auto request = ask("a");
  const Finished answer{.usage = {.prompt_tokens = 100, .completion_tokens = 51, .accepted_prediction_tokens = 30},
                        .timings = {.prefill_us = 1'000'000, .decode_us = 5'000'000}};
  workers_.of("a")->emit(1, answer);
  next(***request->value);
  end(request);
  EXPECT_FALSE(ledger_.find("fa", MeasurementKind::kDecodeTps, "f16", 0));
  EXPECT_DOUBLE_EQ(ledger_.find("fa", MeasurementKind::kPrefillTps, "f16", 0)->value, 100);
}

TEST_F(ManagerOfModels, WorkersGuessTokens) {
  load("a");
  EXPECT_TRUE(workers_.of("a")->asked->speculation);
}

TEST_F(ManagerOfModels, WorkersGuessNoTokensWhereThatIsOff) {
  config_.engine.speculation = "off";
  load("a");
  EXPECT_FALSE(workers_.of("a")->asked->speculation);
}

TEST_F(ManagerOfModels, AModelGetsLessContextThenAQuantizedCacheBeforeItIsRefusedAndSaysSo) {
  // 8 GB of weights and 1 MB a token: 8,192 tokens would take 8.6 GB more.
  directory_.add("wide", gigabytes(8));
  directory_.at("wide").context_length = 8192;
  directory_.at("wide").kv_bytes_per_token = 1'000'000;
  config_.memory.limit_bytes = gigabytes(13).value;
  const auto request = ask("wide");
  finish_load("wide");
  ASSERT_TRUE(answered(request));
  EXPECT_LT(workers_.of("wide")->asked->context_tokens, 8192U);
  EXPECT_GE(workers_.of("wide")->asked->context_tokens, 2048U);
  EXPECT_EQ(workers_.of("wide")->asked->cache_type, "f16");
  EXPECT_NE((*request->value)->get()->degraded().find("tokens instead of 8192"), std::string::npos);
  EXPECT_LE(status("wide").planned_bytes, gigabytes(13).value);
  EXPECT_NE(status("wide").reduced, "");
}

TEST_F(ManagerOfModels, AQuantizedCacheComesAfterTheLeastContext) {
  directory_.add("wide", gigabytes(8));
  directory_.at("wide").context_length = 8192;
  directory_.at("wide").kv_bytes_per_token = 1'000'000;
  config_.memory.limit_bytes = gigabytes(10).value + mebibytes(400).value;
  const auto request = ask("wide");
  finish_load("wide");
  EXPECT_EQ(workers_.of("wide")->asked->cache_type, "q8_0");
  EXPECT_NE((*request->value)->get()->degraded().find("a q8_0 cache instead of f16"), std::string::npos);
}

TEST_F(ManagerOfModels, TwoModelsInTurnBothMakeProgressWithRoomForOne) {
  int a_served = 0;
  int b_served = 0;
  std::vector<std::shared_ptr<Outcome<Generated>>> a{ask("a")};
  std::vector<std::shared_ptr<Outcome<Generated>>> b{ask("b")};
  // Each finished request is followed by the next one of the same model, as two busy clients do.
  for (int turn = 0; turn < 12; ++turn) {
    for (const char* id : {"a", "b"}) {
      if (workers_.of(id) && status(id).state == ModelState::kLoading) finish_load(id);
    }
    for (auto* line : {&a, &b}) {
      if (!answered(line->back())) continue;
      ++(line == &a ? a_served : b_served);
      line->push_back(ask(line == &a ? "a" : "b"));
      end((*line)[line->size() - 2]);
    }
    EXPECT_LE(workers_.alive(), 1);
  }
  EXPECT_GE(a_served, 4);
  EXPECT_GE(b_served, 4);
}

TEST_F(ManagerOfModels, WhoWaitedForALoadIsServedBeforeAnotherLoadMayUnloadIt) {
  const auto first = ask("a");
  const auto other = ask("b");
  finish_load("a");
  // Two have waited for "b" when it is loaded, and one for "a" since before.
  const auto again = ask("a");
  const auto second = ask("b");
  end(first);
  finish_load("b");
  EXPECT_TRUE(answered(other) && answered(second));
  EXPECT_FALSE(answered(again));
  end(other);
  EXPECT_EQ(status("b").state, ModelState::kReady);
  end(second);
  finish_load("a");
  EXPECT_TRUE(answered(again));
}

TEST_F(ManagerOfModels, RequestsThatArriveWhileALoadWaitsForRoomAreHeldBack) {
  load("a");
  const auto running = ask("a");
  const auto wants_b = ask("b");
  EXPECT_EQ(status("b").state_reason, "waits for busy models");
  const auto late = ask("a");
  EXPECT_FALSE(late->done());
  end(running);
  finish_load("b");
  EXPECT_TRUE(answered(wants_b));
  EXPECT_FALSE(late->done());
}

TEST_F(ManagerOfModels, AClientThatGoesAwayWhileItsModelLoadsDoesNotUndoTheLoad) {
  const auto first = ask("a");
  first->cancel.emit(boost::asio::cancellation_type::terminal);
  settle();
  EXPECT_TRUE(first->done());
  const auto second = ask("a");
  EXPECT_EQ(workers_.started.size(), 1U);
  finish_load("a");
  EXPECT_TRUE(answered(second));
  end(second);
  EXPECT_EQ(status("a").active_requests, 0);
}

TEST_F(ManagerOfModels, AClientThatGoesAwayAfterItsTurnWasPromisedDoesNotBlockOthers) {
  const auto first = ask("a");
  const auto other = ask("b");
  workers_.of("a")->finish_load();
  first->cancel.emit(boost::asio::cancellation_type::terminal);
  settle();
  first->value.reset();
  settle();
  finish_load("b");
  EXPECT_TRUE(answered(other));
}

TEST_F(ManagerOfModels, WithoutFailoverAWorkerThatDiesFailsItsRequestsAtOnceAndTheNextOneLoadsAgain) {
  config_.engine.failover = "off";
  load("a");
  const auto request = ask("a");
  const auto event = next(***request->value);
  workers_.of("a")->die("ended by signal 9 (Killed)");
  settle();
  ASSERT_TRUE(event->done());
  EXPECT_EQ(std::get<Failed>(**event->value).error.code, ErrorCode::kWorkerLost);
  EXPECT_EQ(status("a").state, ModelState::kUnloaded);
  EXPECT_EQ(manager().status().workers_lost, 1U);
  EXPECT_EQ(manager().status().requests_failed, 1U);
  const auto again = ask("a");
  finish_load("a");
  EXPECT_TRUE(answered(again));
  EXPECT_EQ(workers_.started.size(), 2U);
}

TEST_F(ManagerOfModels, AWorkerThatDiesWhileItLoadsGetsOneMoreTryAndNotALoop) {
  config_.engine.failover = "off";
  const auto request = ask("a");
  workers_.of("a")->die("ended by signal 9 (Killed)");
  settle();
  EXPECT_FALSE(request->done());
  workers_.of("a")->die("ended by signal 11 (Segmentation fault)");
  settle();
  ASSERT_TRUE(request->done());
  EXPECT_EQ(request->value->error().code, ErrorCode::kUnavailable);
  EXPECT_NE(status("a").state_reason.find("signal 11"), std::string::npos);
  EXPECT_NE(status("a").state_reason.find("tried again in 10 s"), std::string::npos);
  EXPECT_EQ(workers_.started.size(), 2U);
}

TEST_F(ManagerOfModels, AFailedLoadIsTriedAgainOnlyAfterAWhileAndSaysWhy) {
  const auto first = ask("a");
  workers_.of("a")->fail_load({ErrorCode::kUnsupported, "unknown architecture 'x'", "", ""});
  settle();
  EXPECT_EQ(first->value->error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(status("a").state, ModelState::kFailed);
  EXPECT_EQ(status("a").state_reason, "unknown architecture 'x'; tried again in 10 s at the earliest");
  EXPECT_FALSE(workers_.started[0]->alive());
  clock_.advance(std::chrono::seconds(9));
  EXPECT_EQ(ask("a")->value->error().message, "unknown architecture 'x'");
  EXPECT_EQ(workers_.started.size(), 1U);
  clock_.advance(std::chrono::seconds(2));
  const auto later = ask("a");
  finish_load("a");
  EXPECT_TRUE(answered(later));
  EXPECT_EQ(status("a").state_reason, "");
}

TEST_F(ManagerOfModels, AModelThatNeverFitsIsRefusedAtOnceWithTheFigures) {
  directory_.add("huge", gigabytes(26));
  const auto request = ask("huge");
  ASSERT_TRUE(request->done());
  EXPECT_EQ(request->value->error().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(request->value->error().message.find("26."), std::string::npos);
  EXPECT_TRUE(workers_.started.empty());
}

TEST_F(ManagerOfModels, AWorkerThatCannotBeStartedIsAnErrorAtOnce) {
  workers_.refusal = {ErrorCode::kIo, "can't start a worker process", "", ""};
  const auto request = ask("a");
  ASSERT_TRUE(request->done());
  EXPECT_EQ(request->value->error().message, "can't start a worker process");
}

TEST_F(ManagerOfModels, UnloadWaitsForRunningRequestsAndHoldsNewOnesBack) {
  load("a");
  const auto running = ask("a");
  const auto unload = spawn(manager().unload("a"));
  const auto late = ask("a");
  EXPECT_FALSE(unload->done());
  EXPECT_FALSE(late->done());
  EXPECT_TRUE(workers_.of("a"));
  end(running);
  EXPECT_TRUE(unload->done());
  EXPECT_FALSE(workers_.started[0]->alive());
  finish_load("a");  // for the request that was held back
  EXPECT_TRUE(answered(late));
}

TEST_F(ManagerOfModels, WhoWaitedForTheLoadIsServedBeforeAnUnloadThatWasAskedMeanwhile) {
  const auto request = ask("a");
  const auto unload = spawn(manager().unload("a"));
  finish_load("a");
  ASSERT_TRUE(answered(request));
  EXPECT_FALSE(unload->done());
  end(request);
  EXPECT_TRUE(unload->done());
  EXPECT_EQ(workers_.started.size(), 1U);
}

TEST_F(ManagerOfModels, UnloadOfWhatIsNotLoadedIsDoneAndOfAnUnknownNameAnError) {
  EXPECT_TRUE(spawn(manager().unload("a"))->value->has_value());
  EXPECT_EQ(spawn(manager().unload("nothing"))->value->error().code, ErrorCode::kNotFound);
}

TEST_F(ManagerOfModels, UnloadCompletesWhenTheProcessIsGone) {
  load("a");
  workers_.of("a")->may_end = false;
  const auto first = spawn(manager().unload("a"));
  const auto second = spawn(manager().unload("a"));
  EXPECT_EQ(status("a").state, ModelState::kUnloading);
  EXPECT_FALSE(first->done() || second->done());
  workers_.of("a")->let_end();
  settle();
  EXPECT_TRUE(first->done() && second->done());
}

TEST_F(ManagerOfModels, TheLeastRecentlyUsedIdleModelMakesRoomNeverABusyOne) {
  directory_.add("c", gigabytes(7));
  config_.memory.limit_bytes = gigabytes(18).value;
  memory_.reading.memory_total = memory_.reading.memory_available = gigabytes(32);
  load("a");
  clock_.advance(std::chrono::seconds(1));
  load("b");
  clock_.advance(std::chrono::seconds(1));
  end(ask("a"));  // "b" is now the one that was not used for longest
  const auto request = ask("c");
  EXPECT_FALSE(workers_.of("b"));
  finish_load("c");
  clock_.advance(std::chrono::seconds(1));
  const auto older_but_busy = ask("a");
  clock_.advance(std::chrono::seconds(1));
  end(request);
  ask("b");
  EXPECT_TRUE(workers_.of("a"));
  EXPECT_FALSE(workers_.of("c"));
}

TEST_F(ManagerOfModels, MoreRequestsThanTheQueueHoldsAreOverload) {
  config_.engine.parallel = 2;
  config_.engine.queue_limit = 1;
  std::vector<std::shared_ptr<Outcome<Generated>>> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(ask("a"));  // while it loads
  EXPECT_EQ(ask("a")->value->error().code, ErrorCode::kOverloaded);
  EXPECT_TRUE(*spawn(manager().settled("a", std::chrono::hours(1)))->value);  // fails at once
  finish_load("a");
  EXPECT_EQ(status("a").active_requests, 2);
  EXPECT_EQ(status("a").waiting_requests, 1);
  EXPECT_EQ(ask("a")->value->error().code, ErrorCode::kOverloaded);
  end(requests[0]);
  EXPECT_TRUE(answered(ask("a")));
}

TEST_F(ManagerOfModels, SettledBeginsTheLoadAndIsTrueWhenARequestNeedNotWait) {
  EXPECT_FALSE(*spawn(manager().settled("a", std::chrono::milliseconds(0)))->value);
  const auto waiting = spawn(manager().settled("a", std::chrono::hours(1)));
  EXPECT_FALSE(waiting->done());
  finish_load("a");
  EXPECT_TRUE(*waiting->value);
  EXPECT_TRUE(*spawn(manager().settled("unknown", std::chrono::hours(1)))->value);
}

TEST_F(ManagerOfModels, StopEndsAllWorkersAndEveryRequestGetsAnError) {
  config_.engine.spare_worker = true;
  manager().start();  // loads "a" and keeps a spare worker
  settle();
  finish_load("a");
  const auto running = ask("a");
  const auto event = next(***running->value);
  const auto loading = ask("small");
  EXPECT_EQ(workers_.alive(), 2);
  run(manager().stop());
  EXPECT_EQ(workers_.alive(), 0);
  EXPECT_TRUE(std::holds_alternative<Failed>(**event->value));
  EXPECT_EQ(loading->value->error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(ask("a")->value->error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(manager().status().workers_lost, 0U);
  EXPECT_EQ(workers_.alive(), 0);
}

TEST_F(ManagerOfModels, StopEndsAWorkerThatIsStillStarting) {
  ask("a");
  workers_.started[0]->introduced = false;
  const auto unready = ask("small");
  run(manager().stop());
  EXPECT_EQ(workers_.alive(), 0);
}

TEST_F(ManagerOfModels, TheSpareWorkerTakesTheLoadAndIsReplaced) {
  config_.engine.spare_worker = true;
  manager().start();
  settle();
  ASSERT_EQ(workers_.started.size(), 1U);  // it was the spare one
  EXPECT_EQ(workers_.started[0]->asked->model_id, "a");
  EXPECT_EQ(manager().status().spare_workers, 0);
  finish_load("a");
  EXPECT_EQ(manager().status().spare_workers, 1);
  workers_.started[1]->die("ended by signal 9 (Killed)");
  EXPECT_EQ(manager().status().spare_workers, 0);
  run_until([&] { return workers_.started.size() == 3; });
  EXPECT_EQ(manager().status().spare_workers, 1);
}

TEST_F(ManagerOfModels, ASpareWorkerThatDiesAgainAndAgainIsStartedMoreAndMoreRarely) {
  config_.engine.spare_worker = true;
  manager().start();
  settle();
  finish_load("a");
  workers_.started[1]->die("it crashed");
  run_until([&] { return workers_.started.size() == 3; });  // once is bad luck
  for (const int wait : {1, 2, 4}) {
    const std::size_t before = workers_.started.size();
    workers_.started.back()->die("it crashed");
    EXPECT_NE(manager().status().spare_worker_reason.find(std::format("it crashed; tried again in {} s", wait)), std::string::npos);
    clock_.advance(std::chrono::milliseconds(wait * 1000 - 1));
    pass_housekeeping();
    EXPECT_EQ(workers_.started.size(), before);
    clock_.advance(std::chrono::milliseconds(1));
    run_until([&] { return workers_.started.size() == before + 1; });
  }
  EXPECT_EQ(manager().status().spare_worker_reason, "");
}

TEST_F(ManagerOfModels, IdleModelsAreUnloadedAfterTheConfiguredTime) {
  config_.engine.idle_unload_s = 60;
  manager().start();
  settle();
  finish_load("a");
  const auto running = ask("a");
  clock_.advance(std::chrono::seconds(3600));
  load("small");
  clock_.advance(std::chrono::seconds(61));
  run_until([&] { return !workers_.of("small"); });
  EXPECT_TRUE(workers_.of("a"));  // busy
}

TEST_F(ManagerOfModels, ALoadWaitsUntilOtherProgramsGiveMemoryBackOnceModelsAreBusy) {
  manager().start();
  settle();
  finish_load("a");
  const auto running = ask("a");
  memory_.reading.memory_available = Bytes{0};
  const auto waits = ask("small");
  EXPECT_EQ(status("small").state_reason, "waits for busy models");
  memory_.reading.memory_available = gigabytes(12);
  run_until([&] { return workers_.of("small") != nullptr; });
}

TEST_F(ManagerOfModels, EmbeddingsLeftToTheServerGoToAModelMadeForThem) {
  const auto embed = [this](const std::string& model) { return spawn(manager().embed({.model = model, .inputs = {{.text = "x"}}})); };
  const auto by_any = embed("auto");
  finish_load("a");
  EXPECT_EQ((*by_any->value)->model, "a");
  directory_.at("small").makes_embeddings = true;
  const auto by_own = embed("auto");
  finish_load("small");
  EXPECT_EQ((*by_own->value)->model, "small");
  EXPECT_EQ((*embed("a")->value)->model, "a");
  EXPECT_EQ(embed("none")->value->error().code, ErrorCode::kNotFound);
}

TEST_F(ManagerOfModels, CountTokensAsksTheModelAndGivesItBack) {
  GenerationRequest request;
  request.model = "a";
  request.prompt = "four";
  const auto count = spawn(manager().count_tokens(request));
  finish_load("a");
  EXPECT_EQ(**count->value, 4);
  EXPECT_EQ(status("a").active_requests, 0);
  request.model = "nothing";
  EXPECT_EQ(spawn(manager().count_tokens(request))->value->error().code, ErrorCode::kNotFound);
}

TEST_F(ManagerOfModels, AModelWhoseFileChangedIsLoadedAnewForTheNextRequest) {
  load("a");
  const auto running = ask("a");
  directory_.at("a").modified_unix += 1;
  const auto next_one = ask("a");
  EXPECT_FALSE(next_one->done());
  EXPECT_TRUE(workers_.started[0]->alive());  // the running answer is not broken
  end(running);
  EXPECT_FALSE(workers_.started[0]->alive());
  finish_load("a");
  EXPECT_TRUE(answered(next_one));
  EXPECT_TRUE(answered(ask("a")));
  EXPECT_EQ(workers_.started.size(), 2U);
}

TEST_F(ManagerOfModels, AModelWhoseFileIsGoneIsUnloadedOnceIdle) {
  manager().start();
  settle();
  finish_load("a");
  load("small");
  directory_.remove("a");
  EXPECT_EQ(ask("a")->value->error().code, ErrorCode::kNotFound);
  directory_.at("small").path = "/nonexistent";
  const auto reloaded = ask("small");  // as its path changed
  finish_load("small");
  EXPECT_TRUE(answered(reloaded));
  end(reloaded);
  run_until([&] { return !workers_.of("small"); });
}

TEST_F(ManagerOfModels, AModelThatCrashesAgainAndAgainIsTriedMoreAndMoreRarelyUntilItAnswers) {
  config_.engine.failover = "off";
  const auto crash = [&] {
    load("a");
    workers_.of("a")->die("ended by signal 6 (Aborted)");
    settle();
  };
  crash();
  EXPECT_EQ(status("a").state, ModelState::kUnloaded);  // the first may be bad luck
  crash();
  EXPECT_EQ(status("a").state, ModelState::kFailed);
  EXPECT_NE(status("a").state_reason.find("lost 2 times in a row: ended by signal 6"), std::string::npos);
  EXPECT_EQ(ask("a")->value->error().code, ErrorCode::kUnavailable);
  clock_.advance(std::chrono::seconds(10));
  crash();
  clock_.advance(std::chrono::seconds(19));
  EXPECT_EQ(ask("a")->value->error().code, ErrorCode::kUnavailable);
  clock_.advance(std::chrono::seconds(1));
  load("a");
  const auto request = ask("a");
  workers_.of("a")->emit(1, Finished{});
  next(***request->value);
  end(request);
  workers_.of("a")->die("ended by signal 6 (Aborted)");
  settle();
  EXPECT_EQ(status("a").state, ModelState::kUnloaded);  // it had answered since
}

TEST_F(ManagerOfModels, WhatThePlanRefusedIsTriedAsSoonAsThePlanHasRoom) {
  memory_.reading.memory_available = Bytes{0};
  EXPECT_EQ(ask("small")->value->error().code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(ask("small")->value->error().code, ErrorCode::kOutOfMemory);
  memory_.reading.memory_available = gigabytes(9);
  const auto request = ask("small");
  finish_load("small");
  EXPECT_TRUE(answered(request));
}

TEST_F(ManagerOfModels, TheMemoryOfALostWorkerIsGivenAgainOnlyOnceItsProcessIsGone) {
  load("a");
  const auto worker = workers_.of("a");
  worker->may_end = false;
  worker->die("it gave no sign of life for 10 s");
  settle();
  const auto request = ask("b");
  EXPECT_EQ(workers_.started.size(), 1U);
  worker->let_end();
  settle();
  finish_load("b");
  EXPECT_TRUE(answered(request));
}

TEST_F(ManagerOfModels, APinnedModelIsNeverUnloadedForAnotherNorForIdleness) {
  config_.engine.idle_unload_s = 60;
  config_.models.pinned = {"a"};
  manager().start();
  settle();
  finish_load("a");
  EXPECT_TRUE(status("a").pinned);
  const auto refused = ask("b");
  ASSERT_TRUE(refused->done());
  EXPECT_EQ(refused->value->error().code, ErrorCode::kOutOfMemory);
  EXPECT_NE(refused->value->error().advice.find("unpin"), std::string::npos);
  clock_.advance(std::chrono::seconds(3600));
  pass_housekeeping();
  EXPECT_TRUE(workers_.of("a"));
  EXPECT_TRUE(manager().pin("a", false));
  const auto request = ask("b");
  finish_load("b");
  EXPECT_TRUE(answered(request));
}

TEST_F(ManagerOfModels, APinnedModelThatIsLostComesBackByItself) {
  config_.models.pinned = {"a"};
  manager().start();
  settle();
  finish_load("a");
  workers_.of("a")->die("ended by signal 9 (Killed)");
  run_until([&] { return workers_.of("a") != nullptr; });
  finish_load("a");
  EXPECT_EQ(status("a").state, ModelState::kReady);
}

TEST_F(ManagerOfModels, ALostModelComesBackByItselfOnlyIfNothingHasToGoForIt) {
  config_.engine.failover = "off";
  manager().start();
  settle();
  finish_load("a");
  const auto running = ask("a");
  const auto other = ask("b");  // is to be loaded when "a" is idle
  workers_.of("a")->die("ended by signal 9 (Killed)");
  settle();
  finish_load("b");
  end(other);
  pass_housekeeping();
  EXPECT_FALSE(workers_.of("a"));
  ASSERT_TRUE(*spawn(manager().unload("b"))->value);
  run_until([&] { return workers_.of("a") != nullptr; });
}

TEST_F(ManagerOfModels, PreloadedModelsAreLoadedAtStartOneAfterTheOther) {
  config_.models.preload = {"small"};
  manager().start();
  settle();
  finish_load("small");
  finish_load("a");
  EXPECT_EQ(status("small").state, ModelState::kReady);
  EXPECT_EQ(status("a").state, ModelState::kReady);
}

TEST_F(ManagerOfModels, KeepSetsHowLongAnUnusedModelStays) {
  manager().start();
  settle();
  finish_load("a");
  EXPECT_TRUE(manager().keep("a", std::chrono::seconds(30)));
  EXPECT_EQ(manager().keep("nothing", std::chrono::seconds(1)).error().code, ErrorCode::kNotFound);
  clock_.advance(std::chrono::seconds(29));
  pass_housekeeping();
  EXPECT_TRUE(workers_.of("a"));
  EXPECT_TRUE(manager().keep("a", std::chrono::seconds(-1)));
  clock_.advance(std::chrono::hours(24));
  pass_housekeeping();
  EXPECT_TRUE(workers_.of("a"));
  const auto running = ask("a");
  EXPECT_TRUE(manager().keep("a", std::chrono::seconds(0)));
  pass_housekeeping();
  EXPECT_TRUE(workers_.of("a"));
  end(running);
  run_until([&] { return !workers_.of("a"); });
}

TEST_F(ManagerOfModels, ModelsThatTakeTurnsServeInBatchesWithinTheFairnessBound) {
  config_.engine.switch_wait_ms = 1000;
  const auto [switches, longest_wait] = take_turns(40);
  EXPECT_LE(switches, 10);  // each for itself it would be 40
  EXPECT_LE(longest_wait, std::chrono::milliseconds(2000));
}

TEST_F(ManagerOfModels, WithoutAFairnessBoundEachAnswerIsASwitch) {
  const auto [switches, longest_wait] = take_turns(40);
  EXPECT_GE(switches, 38);
  EXPECT_LE(longest_wait, std::chrono::milliseconds(1200));
}

TEST_F(ManagerOfModels, ALeaseThatOutlivesTheManagerIsHarmless) {
  load("a");
  const auto request = ask("a");
  run(manager().stop());
  manager_.reset();
  request->value.reset();
}

}  // namespace
}  // namespace pensieve
