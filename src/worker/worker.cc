#include "worker/worker.h"

#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <format>
#include <fstream>
#include <map>
#include <new>
#include <string>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/process.h"
#include "ipc/channel.h"
#include "ipc/codec.h"
#include "worker/outbox.h"

namespace pensieve::worker {
namespace {

using Loaded = Result<std::unique_ptr<engine::Engine>>;

// Runs what may throw, so that the engine's libraries end a request and not the process.
template <typename Function>
Result<void> guarded(Function function) {
  try {
    function();
    return {};
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kOutOfMemory, "the worker is out of memory", "use a smaller context or model");
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::format("the engine failed: {}", error.what()));
  }
}

// The worker's state; everything but the engine's own thread happens on the socket thread.
class Worker {
 public:
  Worker(int descriptor, const EngineFunctions& functions)
      : functions_(functions), channel_(std::make_shared<ipc::Channel>(loop_.get_executor(), descriptor)) {}

  int run() {
    if (Result<void> started = guarded([this] {
          functions_.initialise();
          hello_ = functions_.hello();
        });
        !started) {
      spdlog::error("starting the engine: {}", started.error().message);
      return 1;
    }
    channel_->start([this](std::string payload) { return on_payload(payload); },
                    [this](Error error) {
                      spdlog::debug("supervisor gone: {}", error.message);
                      leave(0);
                    });
    send(hello_);
    loop_.run();
    return exit_code_;
  }

 private:
  // Ends the process without waiting for a step of the engine.
  void leave(int code) {
    exit_code_ = code;
    channel_->close();
    loop_.stop();
  }

  void send(const ipc::FromWorker& message) { channel_->send(ipc::encode(message)); }

  Result<void> on_payload(const std::string& payload) {
    ipc::ToWorker message = TRY(ipc::decode_to_worker(payload));
    return std::visit([this](auto& m) { return handle(m); }, message);
  }

  Result<void> handle(ipc::Hello& hello) {
    if (hello.version == ipc::kProtocolVersion) return {};
    return fail(ErrorCode::kUnsupported,
                std::format("the supervisor speaks protocol {}, this worker {}", hello.version, ipc::kProtocolVersion));
  }

  Result<void> handle(ipc::LoadModel& settings) {
    if (engine_ || loader_.joinable()) {
      send(ipc::LoadFailed{{ErrorCode::kInvalidArgument, "this worker has a model already", "", ""}});
      return {};
    }
    loader_ = std::jthread([this, settings = std::move(settings)] {
      Loaded loaded = std::unexpected(Error{});
      const Result<void> ran = guarded([&] {
        loaded = functions_.load(settings, [this](ipc::StreamId stream, GenerationEvent event) { on_event(stream, std::move(event)); });
      });
      if (!ran) loaded = std::unexpected(ran.error());
      boost::asio::post(loop_, [this, loaded = std::make_shared<Loaded>(std::move(loaded))] {
        loader_ = {};  // it is at its end
        if (!*loaded) {
          send(ipc::LoadFailed{std::move(*loaded).error()});
          return;
        }
        engine_ = std::move(**loaded);
        send(engine_->loaded());
      });
    });
    return {};
  }

  Result<void> handle(ipc::Generate& generate) {
    if (!engine_) {
      send(ipc::StreamEvent{generate.stream, Failed{{ErrorCode::kUnavailable, "the worker has no model", "", ""}}});
      return {};
    }
    if (!streams_.try_emplace(generate.stream).second) {
      return fail(ErrorCode::kInvalidArgument, std::format("stream {} is in use", generate.stream));
    }
    const Result<void> submitted = guarded([&] { engine_->submit(generate.stream, std::move(generate.request)); });
    if (!submitted) on_event(generate.stream, Failed{submitted.error()});
    return {};
  }

  Result<void> handle(ipc::Cancel& cancel) {
    if (streams_.erase(cancel.stream) > 0 && engine_) engine_->cancel(cancel.stream);
    return {};
  }

  Result<void> handle(ipc::Credit& credit) {
    const auto found = streams_.find(credit.stream);
    if (found == streams_.end()) return {};
    found->second.outbox.add_credits(credit.events);
    flush(credit.stream);
    return {};
  }

  Result<void> handle(ipc::CountTokens& count) {
    ipc::TokenCount answer{.stream = count.stream};
    Result<std::int64_t> tokens = fail(ErrorCode::kUnavailable, "the worker has no model");
    if (engine_) {
      const Result<void> ran = guarded([&] { tokens = engine_->count_tokens(count.request); });
      if (!ran) tokens = std::unexpected(ran.error());
    }
    if (tokens) {
      answer.tokens = *tokens;
    } else {
      answer.error = tokens.error();
      answer.failed = true;
    }
    send(answer);
    return {};
  }

  Result<void> handle(ipc::Embed& embed) {
    if (!engine_) {
      send(ipc::EmbeddingAnswer{
          .stream = embed.stream, .error = {ErrorCode::kUnavailable, "the worker has no model", "", ""}, .failed = true});
      return {};
    }
    engine_->embed(std::move(embed.request), [this, stream = embed.stream](Result<Embeddings> result) {
      boost::asio::post(loop_, [this, stream, result = std::move(result)]() mutable {
        ipc::EmbeddingAnswer answer{.stream = stream, .failed = !result};
        if (result) answer.embeddings = *std::move(result);
        if (!result) answer.error = std::move(result).error();
        send(answer);
      });
    });
    return {};
  }

  Result<void> handle(ipc::Ping& ping) {
    const engine::EngineProgress progress = engine_ ? engine_->progress() : engine::EngineProgress{};
    send(ipc::Pong{.sequence = ping.sequence,
                   .steps = progress.steps,
                   .step_age_us = progress.step_age_us,
                   .resident_bytes = resident_memory(getpid()).value,
                   .active_sequences = progress.active_sequences,
                   .waiting_requests = progress.waiting_requests});
    return {};
  }

  Result<void> handle(ipc::Throttle& throttle) {
    if (engine_) engine_->throttle(throttle);
    return {};
  }

  Result<void> handle(ipc::Shutdown&) {
    channel_->close();
    engine_.reset();  // keeps its conversations
    leave(0);
    return {};
  }

  // On the engine thread.
  void on_event(ipc::StreamId stream, GenerationEvent event) {
    boost::asio::post(loop_, [this, stream, event = std::move(event)]() mutable {
      const auto found = streams_.find(stream);
      if (found == streams_.end()) return;  // cancelled meanwhile
      found->second.outbox.push(std::move(event));
      flush(stream);
    });
  }

  void flush(ipc::StreamId stream) {
    const auto found = streams_.find(stream);
    while (auto event = found->second.outbox.take()) {
      const bool last = is_terminal(*event);
      send(ipc::StreamEvent{stream, std::move(*event)});
      if (last) {
        streams_.erase(found);
        return;
      }
    }
    if (const bool full = found->second.outbox.full(); full != found->second.paused) {
      found->second.paused = full;
      engine_->pause(stream, full);
    }
  }

  struct Stream {
    Outbox outbox;
    bool paused = false;
  };

  const EngineFunctions& functions_;
  ipc::Hello hello_;
  boost::asio::io_context loop_{1};
  std::shared_ptr<ipc::Channel> channel_;
  std::map<ipc::StreamId, Stream> streams_;
  int exit_code_ = 0;
  std::unique_ptr<engine::Engine> engine_;
  std::jthread loader_;
};

// The kernel should end a worker before the user's programs when memory runs out, and nothing that
// a model file makes us do may gain rights or leave a core dump of conversations on the disk.
void restrict_process() {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
#ifdef __linux__
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  std::ofstream("/proc/self/oom_score_adj") << 500;
#endif
}

}  // namespace

int serve(int descriptor, const EngineFunctions& functions) { return Worker(descriptor, functions).run(); }

int worker_main(int descriptor, long parent) {
  die_with_parent(parent);
  restrict_process();
  const EngineFunctions functions = {
      .initialise = engine::initialise_backends,
      .hello = [] { return ipc::Hello{.pid = getpid(), .engine = engine::version(), .devices = engine::devices()}; },
      .load = engine::load};
  Worker worker(descriptor, functions);
  // No destructors: a step of the engine may take seconds, and the system takes everything back.
  _exit(worker.run());
}

}  // namespace pensieve::worker
