#include "manager/worker_session.h"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <format>
#include <utility>

#include "base/log.h"
#include "ipc/codec.h"

namespace pensieve {

namespace asio = boost::asio;

namespace {

constexpr std::int32_t kCreditsReturnedAt = ipc::kInitialCredits / 4;
constexpr std::chrono::milliseconds kStopGrace{500};
constexpr std::chrono::seconds kKeepGrace{20};
// A process that ends closes its socket a moment before its exit status can be read.
constexpr std::chrono::milliseconds kExitGrace{500};

Error too_large() {
  return {ErrorCode::kTooLarge, std::format("the request is over {} bytes", ipc::kMaxFrameBytes), "send less at once", ""};
}

}  // namespace

WorkerSession::WorkerSession(asio::any_io_executor executor, WorkerCommand command, const Clock& clock)
    : executor_(std::move(executor)), command_(std::move(command)), clock_(clock), changed_(executor_), last_answer_(clock.steady_now()) {}

WorkerSession::~WorkerSession() = default;

Result<std::shared_ptr<WorkerSession>> WorkerSession::start(asio::any_io_executor executor, WorkerCommand command, const Clock& clock) {
  std::unique_ptr<WorkerProcess> started = TRY(WorkerProcess::start(executor, command.program, command.arguments));
  std::shared_ptr<WorkerSession> session(new WorkerSession(executor, std::move(command), clock));
  session->process_ = std::move(started);
  session->channel_ = std::make_shared<ipc::Channel>(executor, session->process_->take_socket());
  session->channel_->start(
      [weak = session->weak_from_this()](const std::string& payload) -> Result<void> {
        const auto self = weak.lock();
        return self ? self->on_payload(payload) : Result<void>();
      },
      [weak = session->weak_from_this()](const Error& error) {
        if (const auto self = weak.lock()) self->disconnected(error);
      });
  session->send(ipc::Hello{.pid = getpid()});
  session->process_->on_exit([self = session](const std::string& how) {
    self->end(how);
    self->changed_.notify();
  });
  asio::co_spawn(executor, [self = session]() { return self->watch(); }, asio::detached);
  return session;
}

// False only for a message over the frame's bound, which a client's request can be and no other.
bool WorkerSession::send(const ipc::ToWorker& message) { return !alive_ || channel_->send(ipc::encode(message)); }

Error WorkerSession::lost() const {
  if (stopping_) return stopping_error();
  return {ErrorCode::kWorkerLost, std::format("the model's process was lost: {}", end_reason_),
          "send the request again; the model is loaded anew", ""};
}

Result<void> WorkerSession::on_payload(const std::string& payload) {
  Result<ipc::FromWorker> message = ipc::decode_from_worker(payload);
  if (!message) return std::unexpected(std::move(message).error());
  last_answer_ = clock_.steady_now();
  unanswered_ = 0;
  on_message(std::move(*message));
  return {};
}

void WorkerSession::on_message(ipc::FromWorker message) {
  if (auto* event = std::get_if<ipc::StreamEvent>(&message)) {
    deliver(event->stream, std::move(event->event));
  } else if (auto* pong = std::get_if<ipc::Pong>(&message)) {
    pong_ = *pong;
  } else if (auto* count = std::get_if<ipc::TokenCount>(&message)) {
    const auto found = counts_.find(count->stream);
    if (found != counts_.end()) {
      found->second = count->failed ? Result<std::int64_t>(std::unexpected(std::move(count->error))) : Result<std::int64_t>(count->tokens);
    }
    changed_.notify();
  } else if (auto* answer = std::get_if<ipc::EmbeddingAnswer>(&message)) {
    const auto found = embeddings_.find(answer->stream);
    if (found != embeddings_.end()) {
      found->second = answer->failed ? Result<Embeddings>(std::unexpected(std::move(answer->error)))
                                     : Result<Embeddings>(std::move(answer->embeddings));
    }
    changed_.notify();
  } else {
    if (auto* hello = std::get_if<ipc::Hello>(&message)) hello_ = std::move(*hello);
    if (auto* loaded = std::get_if<ipc::Loaded>(&message)) loaded_ = std::move(*loaded);
    if (auto* failed = std::get_if<ipc::LoadFailed>(&message)) loaded_ = std::unexpected(std::move(failed->error));
    changed_.notify();
    if (hello_ && hello_->version != ipc::kProtocolVersion) end("it speaks another protocol version");
  }
}

void WorkerSession::deliver(ipc::StreamId stream, GenerationEvent event) {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return;
  found->second->events.push_back(std::move(event));
  found->second->arrived.notify();
}

// Pings, and ends the session when the worker is silent for too long or its step never ends.
asio::awaitable<void> WorkerSession::watch() {
  const auto self = shared_from_this();
  asio::steady_timer timer(executor_);
  const SteadyTime begin = clock_.steady_now();
  for (std::uint64_t sequence = 1; alive_; ++sequence) {
    timer.expires_after(command_.ping_interval);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (!alive_) co_return;
    const SteadyTime now = clock_.steady_now();
    if (!hello_) {
      if (now - begin > command_.start_timeout) end("it did not start in time");
      last_answer_ = now;
      continue;
    }
    // Not for one ping: after this process itself was stopped (a laptop that slept) its answer lies unread.
    if (now - last_answer_ > command_.hang_timeout && unanswered_ > 1) {
      end(std::format("it gave no sign of life for {} s", std::chrono::duration_cast<std::chrono::seconds>(now - last_answer_).count()));
    } else if (std::chrono::microseconds(pong_.step_age_us) > command_.step_timeout) {
      end("a step of its engine never ended");
    } else {
      ++unanswered_;
      send(ipc::Ping{sequence});
    }
  }
}

// The exit status says more than the closed socket does, so the end waits for it.
void WorkerSession::disconnected(const Error& error) {
  if (error.code != ErrorCode::kIo || stopping_) return end(error.message);
  const auto timer = std::make_shared<asio::steady_timer>(executor_, kExitGrace);
  timer->async_wait([weak = weak_from_this(), timer, reason = error.message](boost::system::error_code) {
    if (const auto self = weak.lock()) self->end(reason);
  });
}

void WorkerSession::end(const std::string& reason) {
  if (!alive_) return;
  alive_ = false;
  end_reason_ = reason;
  if (!stopping_) spdlog::error("worker {} lost: {}", process().pid, reason);
  channel_->close();
  if (!stopping_) process_->kill();
  for (const auto& [id, stream] : streams_) {
    if (stream->events.empty() || !is_terminal(stream->events.back())) stream->events.push_back(Failed{lost()});
    stream->arrived.notify();
  }
  changed_.notify();
  if (const auto handler = std::exchange(on_end_, nullptr)) handler();
}

asio::awaitable<Result<void>> WorkerSession::ready() {
  const auto self = shared_from_this();
  while (alive_ && !hello_) co_await changed_.wait();
  if (!alive_) co_return std::unexpected(lost());
  co_return Result<void>();
}

asio::awaitable<Result<ipc::Loaded>> WorkerSession::load(ipc::LoadModel settings, std::chrono::milliseconds timeout) {
  const auto self = shared_from_this();
  loaded_.reset();
  send(std::move(settings));
  asio::steady_timer deadline(executor_, timeout);
  deadline.async_wait([weak = weak_from_this()](boost::system::error_code error) {
    if (const auto session = weak.lock(); session && !error) session->end("loading took too long");
  });
  while (alive_ && !loaded_) co_await changed_.wait();
  if (!loaded_) co_return std::unexpected(lost());
  co_return *loaded_;
}

ipc::StreamId WorkerSession::generate(GenerationRequest request) {
  const ipc::StreamId id = ++last_stream_;
  const auto stream = std::make_shared<Stream>(executor_);
  streams_.emplace(id, stream);
  if (!alive_) {
    stream->events.push_back(Failed{lost()});
  } else if (!send(ipc::Generate{id, std::move(request)})) {
    stream->events.push_back(Failed{too_large()});
  }
  return id;
}

asio::awaitable<std::optional<GenerationEvent>> WorkerSession::next(ipc::StreamId id, std::chrono::milliseconds patience) {
  const auto self = shared_from_this();
  const std::shared_ptr<Stream> stream = streams_.at(id);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (stream->events.empty()) {
    if (!co_await stream->arrived.wait_until(deadline)) co_return std::nullopt;
  }
  GenerationEvent event = std::move(stream->events.front());
  stream->events.pop_front();
  if (++stream->taken >= kCreditsReturnedAt && !is_terminal(event)) {
    send(ipc::Credit{id, std::exchange(stream->taken, 0)});
  }
  co_return event;
}

void WorkerSession::drop(ipc::StreamId stream) {
  if (streams_.erase(stream) > 0) send(ipc::Cancel{stream});
}

void WorkerSession::throttle(const ipc::Throttle& throttle) {
  if (alive_ && throttle != throttle_ && send(throttle)) throttle_ = throttle;
}

asio::awaitable<Result<std::int64_t>> WorkerSession::count_tokens(GenerationRequest request) {
  const auto self = shared_from_this();
  const ipc::StreamId id = ++last_stream_;
  counts_.emplace(id, std::nullopt);
  struct Forget {
    WorkerSession& session;
    ipc::StreamId id;
    ~Forget() { session.counts_.erase(id); }
  } forget{*this, id};
  if (!send(ipc::CountTokens{id, std::move(request)})) co_return std::unexpected(too_large());
  while (alive_ && !counts_.at(id)) co_await changed_.wait();
  if (!counts_.at(id)) co_return std::unexpected(lost());
  co_return *counts_.at(id);
}

asio::awaitable<Result<Embeddings>> WorkerSession::embed(EmbeddingRequest request) {
  const auto self = shared_from_this();
  const ipc::StreamId id = ++last_stream_;
  embeddings_.emplace(id, std::nullopt);
  struct Forget {
    WorkerSession& session;
    ipc::StreamId id;
    ~Forget() { session.embeddings_.erase(id); }
  } forget{*this, id};
  if (!send(ipc::Embed{id, std::move(request)})) co_return std::unexpected(too_large());
  while (alive_ && !embeddings_.at(id)) co_await changed_.wait();
  if (!embeddings_.at(id)) co_return std::unexpected(lost());
  co_return *std::move(embeddings_.at(id));
}

asio::awaitable<void> WorkerSession::gone() {
  const auto self = shared_from_this();
  while (!process_->exited()) co_await changed_.wait();
}

asio::awaitable<void> WorkerSession::stop() {
  const auto self = shared_from_this();
  send(ipc::Shutdown{});
  stopping_ = true;
  // A worker that heard it closes its socket at once, and may then take the time to keep what it has.
  asio::steady_timer grace(executor_, kStopGrace);
  grace.async_wait([self, &grace](boost::system::error_code error) {
    if (error) return;
    if (self->alive_) return self->process_->kill();
    grace.expires_after(kKeepGrace);
    grace.async_wait([self](boost::system::error_code late) {
      if (!late) self->process_->kill();
    });
  });
  while (!process_->exited()) co_await changed_.wait();
  end("stopped");
}

}  // namespace pensieve
