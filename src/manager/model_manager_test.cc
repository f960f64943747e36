#include "manager/model_manager.h"

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

TEST_F(ManagerOfModels, AWorkerThatDiesFailsItsRequestsAtOnceAndTheNextOneLoadsAgain) {
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

TEST_F(ManagerOfModels, AWorkerThatDiesWhileItLoadsIsAnErrorNotALoop) {
  const auto request = ask("a");
  workers_.of("a")->die("ended by signal 11 (Segmentation fault)");
  settle();
  ASSERT_TRUE(request->done());
  EXPECT_EQ(request->value->error().code, ErrorCode::kWorkerLost);
  EXPECT_NE(status("a").state_reason.find("signal 11"), std::string::npos);
  EXPECT_EQ(workers_.started.size(), 1U);
}

TEST_F(ManagerOfModels, AFailedLoadIsTriedAgainOnlyAfterAWhileAndSaysWhy) {
  const auto first = ask("a");
  workers_.of("a")->fail_load({ErrorCode::kUnsupported, "unknown architecture 'x'", "", ""});
  settle();
  EXPECT_EQ(first->value->error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(status("a").state, ModelState::kFailed);
  EXPECT_EQ(status("a").state_reason, "unknown architecture 'x'");
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

TEST_F(ManagerOfModels, AClientsWishWinsOverTheConfiguredIdleTimeUntilTheModelIsUnloaded) {
  config_.engine.idle_unload_s = 60;
  manager().start();
  settle();
  finish_load("a");
  load("small");
  ASSERT_TRUE(manager().keep("small", std::chrono::seconds(-1)));
  ASSERT_TRUE(manager().keep("a", std::chrono::seconds(10)));
  EXPECT_EQ(status("small").idle_limit_seconds, -1);
  clock_.advance(std::chrono::seconds(11));
  run_until([&] { return !workers_.of("a"); });
  clock_.advance(std::chrono::seconds(3600));
  load("a");
  EXPECT_EQ(status("a").idle_limit_seconds, 60);
  clock_.advance(std::chrono::seconds(61));
  run_until([&] { return !workers_.of("a"); });
  EXPECT_TRUE(workers_.of("small"));
}

TEST_F(ManagerOfModels, ALoadWaitsUntilOtherProgramsGiveMemoryBackOnceModelsAreBusy) {
  manager().start();
  settle();
  finish_load("a");
  const auto running = ask("a");
  memory_.reading.available = Bytes{0};
  const auto waits = ask("small");
  EXPECT_EQ(status("small").state_reason, "waits for busy models");
  memory_.reading.available = gigabytes(9);
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

TEST_F(ManagerOfModels, ALeaseThatOutlivesTheManagerIsHarmless) {
  load("a");
  const auto request = ask("a");
  run(manager().stop());
  manager_.reset();
  request->value.reset();
}

}  // namespace
}  // namespace pensieve
