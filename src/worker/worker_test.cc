// The worker's loop, with the test as its supervisor on the other end of a socket.
#include "worker/worker.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <optional>
#include <thread>

#include "ipc/codec.h"
#include "ipc/frame.h"
#include "worker/fake_engine.h"

namespace pensieve::worker {
namespace {

class WorkerLoop : public testing::Test {
 protected:
  void start() {
    int sockets[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    socket_ = sockets[0];
    thread_ = std::jthread([this, descriptor = sockets[1]] { exit_.set_value(serve(descriptor, functions_)); });
  }
  void TearDown() override { hang_up(); }
  void hang_up() {
    if (socket_ >= 0) close(std::exchange(socket_, -1));
  }
  int exit_code() {
    auto exited = exit_.get_future();
    if (exited.wait_for(std::chrono::seconds(10)) != std::future_status::ready) return -1;
    return exited.get();
  }

  void send_bytes(std::string_view bytes) { ASSERT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes)); }
  void send(const ipc::ToWorker& message) { send_bytes(ipc::frame(ipc::encode(message))); }

  // The worker's next message; empty at the end of the connection or after 10 s without one.
  std::optional<ipc::FromWorker> receive() {
    for (;;) {
      if (auto payload = reader_.next().value()) return ipc::decode_from_worker(*payload).value();
      pollfd ready{socket_, POLLIN, 0};
      char buffer[4096];
      if (poll(&ready, 1, 10'000) <= 0) return std::nullopt;
      const ssize_t size = read(socket_, buffer, sizeof buffer);
      if (size <= 0) return std::nullopt;
      reader_.append({buffer, static_cast<std::size_t>(size)});
    }
  }
  template <typename Message>
  Message expect() {
    const auto message = receive();
    const Message* wanted = message ? std::get_if<Message>(&*message) : nullptr;
    EXPECT_TRUE(wanted) << "another message, or none";
    return wanted ? *wanted : Message{};
  }
  template <typename Event>
  Event expect_event(ipc::StreamId stream) {
    const auto message = expect<ipc::StreamEvent>();
    EXPECT_EQ(message.stream, stream);
    const Event* wanted = std::get_if<Event>(&message.event);
    EXPECT_TRUE(wanted) << "another event";
    return wanted ? *wanted : Event{};
  }
  void start_loaded() {
    start();
    expect<ipc::Hello>();
    send(ipc::Hello{});
    send(ipc::LoadModel{.path = "good"});
    expect<ipc::Loaded>();
  }
  // Everything sent before is handled once this returns.
  void round_trip() {
    send(ipc::Ping{99});
    expect<ipc::Pong>();
  }
  void begin(ipc::StreamId stream) {
    send(ipc::Generate{stream, {}});
    ASSERT_TRUE(log_.saw("submit " + std::to_string(stream)));
  }

  EngineLog log_;
  EngineFunctions functions_ = fake_functions(log_);
  ipc::FrameReader reader_;
  int socket_ = -1;
  std::promise<int> exit_;
  std::jthread thread_;
};

TEST_F(WorkerLoop, IntroducesItselfOnceItsBackendsAreInitialised) {
  start();
  const auto hello = expect<ipc::Hello>();
  EXPECT_EQ(hello.version, ipc::kProtocolVersion);
  EXPECT_EQ(hello.engine, "fake");
  EXPECT_EQ(log_.notes(), std::vector<std::string>{"initialise"});
}

TEST_F(WorkerLoop, LoadsOneModelAndRefusesASecond) {
  start_loaded();
  send(ipc::LoadModel{.path = "good"});
  EXPECT_NE(expect<ipc::LoadFailed>().error.message.find("has a model already"), std::string::npos);
  round_trip();
}

TEST_F(WorkerLoop, AFailedLoadIsAnErrorAndAnotherMayFollow) {
  start();
  expect<ipc::Hello>();
  send(ipc::LoadModel{.path = "missing"});
  EXPECT_EQ(expect<ipc::LoadFailed>().error.code, ErrorCode::kNotFound);
  send(ipc::LoadModel{.path = "throw"});
  EXPECT_NE(expect<ipc::LoadFailed>().error.message.find("a defect"), std::string::npos);
  send(ipc::LoadModel{.path = "good"});
  EXPECT_EQ(expect<ipc::Loaded>().architecture, "fake");
}

TEST_F(WorkerLoop, AnswersPingsWhileItLoads) {
  std::promise<void> go_on;
  functions_.load = [this, wait = go_on.get_future().share()](const ipc::LoadModel&,
                                                              engine::EventSink) -> Result<std::unique_ptr<engine::Engine>> {
    wait.wait();
    return std::make_unique<FakeEngine>(log_);
  };
  start();
  expect<ipc::Hello>();
  send(ipc::LoadModel{.path = "good"});
  send(ipc::Ping{5});
  const auto pong = expect<ipc::Pong>();
  EXPECT_EQ(pong.sequence, 5U);
  EXPECT_GT(pong.resident_bytes, 0);
  send(ipc::LoadModel{.path = "good"});
  expect<ipc::LoadFailed>();
  go_on.set_value();
  expect<ipc::Loaded>();
  send(ipc::Ping{6});
  EXPECT_EQ(expect<ipc::Pong>().steps, 3U);
}

TEST_F(WorkerLoop, EmbeddingsAndTheirErrorsComeBackUnderTheirStream) {
  start_loaded();
  send(ipc::Embed{7, {.inputs = {{.text = "a"}, {.text = "b"}}}});
  const auto answer = expect<ipc::EmbeddingAnswer>();
  EXPECT_EQ(answer.stream, 7U);
  EXPECT_EQ(answer.embeddings.vectors.size(), 2U);
  EXPECT_EQ(answer.embeddings.prompt_tokens, 5);
  send(ipc::Embed{8, {}});
  const auto refused = expect<ipc::EmbeddingAnswer>();
  EXPECT_TRUE(refused.failed);
  EXPECT_EQ(refused.error.message, "nothing to embed");
}

TEST_F(WorkerLoop, WithoutAModelRequestsAreErrors) {
  start();
  expect<ipc::Hello>();
  send(ipc::Generate{1, {}});
  EXPECT_EQ(expect_event<Failed>(1).error.code, ErrorCode::kUnavailable);
  send(ipc::CountTokens{2, {}});
  EXPECT_TRUE(expect<ipc::TokenCount>().failed);
  send(ipc::Embed{3, {.inputs = {{.text = "a"}}}});
  EXPECT_EQ(expect<ipc::EmbeddingAnswer>().error.code, ErrorCode::kUnavailable);
  send(ipc::Cancel{1});
  send(ipc::Credit{1, 5});
  round_trip();
}

TEST_F(WorkerLoop, EventsOfAStreamLeaveInOrderAndOthersAreUntouched) {
  start_loaded();
  begin(1);
  begin(2);
  log_.sink(1, Started{});
  log_.sink(2, Delta{.text = "two"});
  log_.sink(1, Delta{.text = "one"});
  log_.sink(1, Finished{});
  expect_event<Started>(1);
  EXPECT_EQ(expect_event<Delta>(2).text, "two");
  EXPECT_EQ(expect_event<Delta>(1).text, "one");
  expect_event<Finished>(1);
}

TEST_F(WorkerLoop, ACancelledStreamReachesTheEngineAndSendsNothingMore) {
  start_loaded();
  begin(1);
  send(ipc::Cancel{1});
  EXPECT_TRUE(log_.saw("cancel 1"));
  log_.sink(1, Delta{.text = "late"});
  send(ipc::Cancel{1});  // again: nothing
  send(ipc::Credit{1, 1});
  round_trip();
}

TEST_F(WorkerLoop, WithoutCreditsTextIsMergedAndTheStreamPausedUntilTheyCome) {
  start_loaded();
  begin(1);
  const std::string piece(8 * 1024, 'x');
  const int events = ipc::kInitialCredits + 40;  // 320 KiB beyond the credits: over kMaxPendingBytes
  for (int i = 0; i < events; ++i) log_.sink(1, Delta{.text = piece, .tokens = 1});
  log_.sink(1, Finished{});
  std::size_t received = 0;
  for (int i = 0; i < ipc::kInitialCredits; ++i) received += expect_event<Delta>(1).text.size();
  EXPECT_TRUE(log_.saw("pause 1"));
  round_trip();  // nothing else comes without a credit
  send(ipc::Credit{1, 1});
  const auto merged = expect_event<Delta>(1);
  EXPECT_EQ(merged.tokens, 40);
  EXPECT_EQ(received + merged.text.size(), piece.size() * events);
  expect_event<Finished>(1);
}

TEST_F(WorkerLoop, CreditsLetAPausedStreamRunAgain) {
  start_loaded();
  begin(1);
  for (int i = 0; i <= ipc::kInitialCredits; ++i) log_.sink(1, Delta{.text = std::string(ipc::kMaxPendingBytes + 1, 'x')});
  for (int i = 0; i < ipc::kInitialCredits; ++i) expect_event<Delta>(1);
  EXPECT_TRUE(log_.saw("pause 1"));
  send(ipc::Credit{1, 16});
  expect_event<Delta>(1);
  EXPECT_TRUE(log_.saw("resume 1"));
}

TEST_F(WorkerLoop, AThrottleReachesTheEngine) {
  start();
  expect<ipc::Hello>();
  send(ipc::Hello{});
  send(ipc::Throttle{.threads = 1});  // without a model: nothing to slow down
  send(ipc::LoadModel{.path = "good"});
  expect<ipc::Loaded>();
  send(ipc::Throttle{.threads = 3});
  EXPECT_TRUE(log_.saw("throttle 3"));
}

TEST_F(WorkerLoop, ExceptionsOfTheEngineAreErrorsOfTheirRequest) {
  start_loaded();
  send(ipc::Generate{1, {.prompt = "throw"}});
  EXPECT_NE(expect_event<Failed>(1).error.message.find("no such token"), std::string::npos);
  send(ipc::CountTokens{2, {.prompt = "throw"}});
  EXPECT_EQ(expect<ipc::TokenCount>().error.code, ErrorCode::kOutOfMemory);
  send(ipc::CountTokens{3, {.prompt = "four"}});
  EXPECT_EQ(expect<ipc::TokenCount>().tokens, 4);
}

TEST_F(WorkerLoop, BackendsThatFailToInitialiseEndItWithACode) {
  functions_.initialise = [] { throw std::runtime_error("no driver"); };
  start();
  EXPECT_EQ(exit_code(), 1);
}

TEST_F(WorkerLoop, TheEndOfTheSocketEndsIt) {
  start_loaded();
  begin(1);
  hang_up();
  EXPECT_EQ(exit_code(), 0);
  EXPECT_TRUE(log_.saw("end"));
}

TEST_F(WorkerLoop, ShutdownEndsIt) {
  start_loaded();
  send(ipc::Shutdown{});
  EXPECT_EQ(exit_code(), 0);
}

TEST_F(WorkerLoop, GarbageOrAnotherVersionOrAStreamTwiceEndsTheConnection) {
  for (const std::string& bytes :
       {ipc::frame("garbage"), std::string("\xff\xff\xff\xff"), ipc::frame(ipc::encode(ipc::ToWorker(ipc::Hello{.version = 999}))),
        ipc::frame(ipc::encode(ipc::ToWorker(ipc::Generate{1, {}})))}) {
    start_loaded();
    begin(1);
    send_bytes(bytes);
    EXPECT_FALSE(receive());
    EXPECT_EQ(exit_code(), 0);
    thread_.join();
    hang_up();
    exit_ = {};
    reader_ = {};
  }
}

}  // namespace
}  // namespace pensieve::worker
