// WorkerSession against a real child process that plays a script (scripted_worker_main.cc).
#include "manager/worker_session.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <iterator>

namespace pensieve {
namespace {

namespace asio = boost::asio;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class Session : public testing::Test {
 protected:
  // The program's own descriptors and those of the loop.
  static std::ptrdiff_t open_descriptors() { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); }

  WorkerCommand command(const std::string& script) {
    return {.program = SCRIPTED_WORKER_PROGRAM, .arguments = {script}, .ping_interval = 2ms, .hang_timeout = 20s, .start_timeout = 60s};
  }
  std::shared_ptr<WorkerSession> start(const std::string& script) {
    auto session = WorkerSession::start(loop_.get_executor(), command(script), clock_);
    EXPECT_TRUE(session) << session.error().text();
    return *session;
  }

  // Runs the loop until `condition` holds; a failure after 20 s.
  template <typename Condition>
  bool run_until(Condition condition) {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    loop_.restart();
    while (!condition() && std::chrono::steady_clock::now() < give_up) loop_.run_one_until(give_up);
    return condition();
  }
  template <typename T>
  T get(asio::awaitable<T> call) {
    std::optional<T> value;
    asio::co_spawn(loop_, std::move(call), [&](std::exception_ptr thrown, T result) {
      if (!thrown) value = std::move(result);
    });
    EXPECT_TRUE(run_until([&] { return value.has_value(); }));
    return std::move(*value);
  }
  void stop(const std::shared_ptr<WorkerSession>& session) {
    bool done = false;
    asio::co_spawn(loop_, session->stop(), [&](std::exception_ptr) { done = true; });
    EXPECT_TRUE(run_until([&] { return done; }));
  }
  // Runs until the session is over and its process is reaped.
  std::string end_of(const std::shared_ptr<WorkerSession>& session) {
    EXPECT_TRUE(run_until([&] { return !session->alive(); }));
    stop(session);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
    return session->end_reason();
  }
  static GenerationRequest request(std::int64_t tokens) {
    GenerationRequest request;
    request.max_tokens = tokens;
    return request;
  }
  std::optional<GenerationEvent> next(const std::shared_ptr<WorkerSession>& session, ipc::StreamId stream) {
    return get(session->next(stream, 20s));
  }

  asio::io_context loop_{1};
  ManualClock clock_;
};

TEST_F(Session, IntroducesItselfLoadsAndAnswers) {
  const auto session = start("obedient");
  ASSERT_TRUE(get(session->ready()));
  const auto loaded = get(session->load({.path = "/m.gguf", .context_tokens = 77}, 20s));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->context_tokens, 77U);
  const ipc::StreamId stream = session->generate(request(1));
  EXPECT_EQ(std::get<Delta>(*next(session, stream)).text, "0");
  EXPECT_EQ(std::get<Finished>(*next(session, stream)).usage.completion_tokens, 1);
  stop(session);
  EXPECT_FALSE(session->alive());
  EXPECT_FALSE(is_running(session->process()));
}

TEST_F(Session, TheWorkerHasNoDescriptorButItsSocket) {
  const auto first = start("obedient");
  const auto second = start("obedient");
  ASSERT_TRUE(get(second->ready()));
  EXPECT_EQ(second->hello()->engine, "4");  // standard input, output, error and the socket
  stop(first);
  stop(second);
}

TEST_F(Session, ALoadThatFailsLeavesTheWorkerAlive) {
  const auto session = start("obedient");
  const auto loaded = get(session->load({.path = ""}, 20s));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(session->alive());
  stop(session);
}

TEST_F(Session, ALoadThatTakesTooLongEndsTheWorker) {
  const auto session = start("never_loads");
  const auto loaded = get(session->load({.path = "/m.gguf"}, 5ms));
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().message.find("took too long"), std::string::npos);
  end_of(session);
}

TEST_F(Session, AnotherProtocolVersionIsNamed) {
  const auto session = start("other_version");
  EXPECT_FALSE(get(session->ready()));
  EXPECT_NE(end_of(session).find("protocol version"), std::string::npos);
}

TEST_F(Session, GarbageEndsTheSessionAndTheProcess) { EXPECT_NE(end_of(start("garbage")).find("no message"), std::string::npos); }

TEST_F(Session, AFrameOverTheBoundEndsTheSessionAndTheProcess) {
  EXPECT_NE(end_of(start("long_frame")).find("over the bound"), std::string::npos);
}

TEST_F(Session, AnEndInMidFrameEndsTheSession) {
  const auto session = start("half_frame");
  const ipc::StreamId stream = session->generate(request(1));
  end_of(session);
  EXPECT_EQ(std::get<Failed>(*next(session, stream)).error.code, ErrorCode::kWorkerLost);
}

TEST_F(Session, AWorkerThatNeverIntroducesItselfIsGivenUp) {
  const auto session = start("mute");
  run_until([&, ticks = 0]() mutable { return ++ticks > 3; });
  EXPECT_TRUE(session->alive());
  clock_.advance(61s);
  EXPECT_NE(end_of(session).find("did not start in time"), std::string::npos);
}

TEST_F(Session, AWorkerThatAnswersNoPingIsHung) {
  const auto session = start("silent");
  ASSERT_TRUE(get(session->ready()));
  const ipc::StreamId stream = session->generate(request(100));
  // Answered behind the stream's events, so nothing is on its way any more.
  ASSERT_TRUE(get(session->count_tokens(request(0))));
  clock_.advance(21s);
  EXPECT_NE(end_of(session).find("no sign of life for 21 s"), std::string::npos);
  std::optional<GenerationEvent> event = next(session, stream);
  while (!is_terminal(*event)) event = next(session, stream);
  EXPECT_EQ(std::get<Failed>(*event).error.code, ErrorCode::kWorkerLost);
}

TEST_F(Session, AWorkerIsNotHungBecauseTheSupervisorItselfWasStopped) {
  const auto session = start("obedient");
  ASSERT_TRUE(get(session->ready()));
  clock_.advance(3600s);  // a laptop that slept: the answer to the last ping lies unread
  const std::uint64_t answered = session->last_pong().sequence;
  EXPECT_TRUE(run_until([&] { return !session->alive() || session->last_pong().sequence > answered + 3; }));
  EXPECT_TRUE(session->alive());
  stop(session);
}

TEST_F(Session, AStepThatNeverEndsIsHungThoughPingsAreAnswered) {
  EXPECT_NE(end_of(start("endless_step")).find("step of its engine never ended"), std::string::npos);
}

TEST_F(Session, AnsweredPingsKeepASessionAlive) {
  const auto session = start("obedient");
  ASSERT_TRUE(get(session->ready()));
  for (int i = 0; i < 5; ++i) {
    clock_.advance(15s);
    const std::uint64_t answered = session->last_pong().sequence;
    EXPECT_TRUE(run_until([&] { return session->last_pong().sequence > answered; }));
  }
  EXPECT_TRUE(session->alive());
  stop(session);
}

TEST_F(Session, ACrashNamesTheSignalInTheError) {
  const auto session = start("crashes");
  ASSERT_TRUE(get(session->ready()));
  bool told = false;
  session->on_end([&] { told = true; });
  const ipc::StreamId stream = session->generate(request(10));
  const auto event = next(session, stream);
  EXPECT_TRUE(told);
  const Error& error = std::get<Failed>(*event).error;
  EXPECT_EQ(error.code, ErrorCode::kWorkerLost);
  EXPECT_NE(error.message.find("signal 11"), std::string::npos) << error.message;
  end_of(session);
}

TEST_F(Session, AnUnexpectedExitNamesTheCode) {
  const auto session = start("exits");
  ASSERT_TRUE(get(session->ready()));
  const ipc::StreamId stream = session->generate(request(10));
  EXPECT_NE(std::get<Failed>(*next(session, stream)).error.message.find("exited with code 7"), std::string::npos);
  EXPECT_EQ(get(session->count_tokens(request(1))).error().code, ErrorCode::kWorkerLost);
  EXPECT_FALSE(get(session->load({.path = "/m.gguf"}, 20s)));
  const ipc::StreamId late = session->generate(request(10));
  EXPECT_TRUE(std::holds_alternative<Failed>(*next(session, late)));
}

TEST_F(Session, CreditsComeBackAsEventsAreTaken) {
  const auto session = start("obedient");
  const std::int64_t many = 10 * ipc::kInitialCredits;
  const ipc::StreamId stream = session->generate(request(many));
  for (std::int64_t i = 0; i < many; ++i) {
    ASSERT_EQ(std::get<Delta>(*next(session, stream)).text, std::to_string(i));
  }
  EXPECT_TRUE(std::holds_alternative<Finished>(*next(session, stream)));
  stop(session);
}

TEST_F(Session, DroppingAStreamCancelsItAndNoOther) {
  const auto session = start("obedient");
  const ipc::StreamId dropped = session->generate(request(1000));
  const ipc::StreamId kept = session->generate(request(1000));
  next(session, dropped);
  next(session, kept);
  EXPECT_EQ(*get(session->count_tokens(request(0))), 2);
  session->drop(dropped);
  EXPECT_EQ(*get(session->count_tokens(request(0))), 1);
  EXPECT_EQ(std::get<Delta>(*next(session, kept)).text, "1");
  stop(session);
}

TEST_F(Session, NextIsEmptyWhenPatienceRunsOutAndLosesNothing) {
  const auto session = start("obedient");
  const ipc::StreamId stream = session->generate(request(1));
  std::optional<GenerationEvent> event;
  while (!event) event = get(session->next(stream, 0ms));
  EXPECT_EQ(std::get<Delta>(*event).text, "0");
  stop(session);
}

TEST_F(Session, CountTokensPassesTheWorkersErrorOn) {
  const auto session = start("obedient");
  GenerationRequest unknown;
  unknown.model = "unknown";
  EXPECT_EQ(get(session->count_tokens(unknown)).error().message, "can't count");
  stop(session);
}

TEST_F(Session, EmbedsAndPassesTheWorkersErrorOn) {
  const auto session = start("obedient");
  EmbeddingRequest request{.inputs = {{.text = "a"}, {.text = "b"}}};
  EXPECT_EQ(get(session->embed(request))->vectors, (std::vector<std::vector<float>>{{0.6F, 0.8F}, {0.6F, 0.8F}}));
  request.model = "unknown";
  EXPECT_EQ(get(session->embed(request)).error().message, "can't embed");
  stop(session);
}

TEST_F(Session, ARequestOverTheFrameBoundIsRefusedAndTheWorkerGoesOn) {
  const auto session = start("obedient");
  GenerationRequest huge = request(1);
  huge.prompt.assign(ipc::kMaxFrameBytes, 'x');
  const ipc::StreamId stream = session->generate(std::move(huge));
  EXPECT_EQ(std::get<Failed>(*next(session, stream)).error.code, ErrorCode::kTooLarge);
  const ipc::StreamId small = session->generate(request(1));
  EXPECT_TRUE(std::holds_alternative<Delta>(*next(session, small)));
  stop(session);
}

TEST_F(Session, StopIsNoLossAndItsStreamsSayThatTheServerStops) {
  const auto session = start("obedient");
  const ipc::StreamId stream = session->generate(request(1000));
  stop(session);
  std::optional<GenerationEvent> event = next(session, stream);
  while (!is_terminal(*event)) event = next(session, stream);
  EXPECT_EQ(std::get<Failed>(*event).error.code, ErrorCode::kUnavailable);
}

TEST_F(Session, AWorkerThatIgnoresShutdownIsKilled) {
  const auto session = start("deaf");
  ASSERT_TRUE(get(session->ready()));
  stop(session);
  EXPECT_FALSE(is_running(session->process()));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(Session, AProgramThatDoesNotExistIsAnError) {
  const std::ptrdiff_t before = open_descriptors();
  WorkerCommand missing = command("obedient");
  missing.program = "/nonexistent/worker";
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(WorkerSession::start(loop_.get_executor(), missing, clock_));
  loop_.poll();
  EXPECT_LE(open_descriptors(), before + 3);  // the loop's own, made at its first use
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(Session, TheEndOfTheLoopEndsTheProcess) {
  ProcessIdentity process;
  {
    asio::io_context loop(1);
    auto session = WorkerSession::start(loop.get_executor(), command("obedient"), clock_);
    ASSERT_TRUE(session);
    process = (*session)->process();
    loop.poll();
  }
  EXPECT_FALSE(is_running(process));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_F(Session, TwoHundredStartsAndStopsLeaveNoProcessAndNoDescriptor) {
  stop(start("obedient"));  // the loop opens its own descriptors at its first use
  const std::ptrdiff_t before = open_descriptors();
  for (int i = 0; i < 200; ++i) {
    const auto session = start(i % 4 == 3 ? "garbage" : "obedient");
    if (i % 2 == 0) {
      EXPECT_TRUE(get(session->ready()));
    }
    stop(session);
  }
  run_until([&] { return open_descriptors() <= before; });
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

}  // namespace
}  // namespace pensieve
