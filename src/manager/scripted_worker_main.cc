// A worker for tests: `scripted_worker SCRIPT --fd N --parent PID` speaks the protocol and, at one
// place, does what its script says.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "ipc/codec.h"
#include "ipc/frame.h"

namespace pensieve {
namespace {

class ScriptedWorker {
 public:
  ScriptedWorker(int socket, std::string_view script) : socket_(socket), script_(script) {}

  int run() {
    if (script_ == "mute") return wait_for_end();
    send(ipc::Hello{.version = script_ == "other_version" ? 999 : ipc::kProtocolVersion,
                    .pid = getpid(),
                    .engine = std::to_string(open_descriptors())});
    if (script_ == "garbage") write_all(ipc::frame("this is no message"));
    if (script_ == "long_frame") write_all("\xff\xff\xff\xff and so on");
    if (script_ == "half_frame") write_all(ipc::frame(std::string(1000, 'x')).substr(0, 500));
    if (script_ == "half_frame") return 0;
    for (char buffer[65536];;) {
      const ssize_t size = read(socket_, buffer, sizeof buffer);
      if (size <= 0) return 0;
      reader_.append({buffer, static_cast<std::size_t>(size)});
      while (const auto payload = reader_.next().value()) {
        ipc::ToWorker message = ipc::decode_to_worker(*payload).value();
        std::visit([this](auto& m) { handle(m); }, message);
      }
    }
  }

 private:
  int wait_for_end() {
    char byte = 0;
    while (read(socket_, &byte, 1) > 0) {
    }
    return 0;
  }

  static int open_descriptors() {
    int open = 0;
    for (int descriptor = 0; descriptor < 1024; ++descriptor) open += fcntl(descriptor, F_GETFD) != -1;
    return open;
  }

  void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) _exit(0);
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  void send(const ipc::FromWorker& message) { write_all(ipc::frame(ipc::encode(message))); }

  void handle(ipc::Hello&) {}
  void handle(ipc::LoadModel& settings) {
    if (script_ == "never_loads") return;
    if (settings.path.empty()) return send(ipc::LoadFailed{{ErrorCode::kNotFound, "no such file", "", ""}});
    send(ipc::Loaded{.architecture = "scripted", .context_tokens = settings.context_tokens});
  }
  // max_tokens deltas, their number as text, no more than there are credits.
  void handle(ipc::Generate& generate) {
    if (script_ == "crashes") {
      std::signal(SIGSEGV, SIG_DFL);
      std::raise(SIGSEGV);
    }
    if (script_ == "exits") _exit(7);
    streams_[generate.stream] = {ipc::kInitialCredits, generate.request.max_tokens.value_or(0), 0};
    flush(generate.stream);
  }
  void flush(ipc::StreamId id) {
    Stream& stream = streams_[id];
    for (; stream.credits > 0 && stream.sent < stream.wanted; --stream.credits) {
      send(ipc::StreamEvent{id, Delta{.text = std::to_string(stream.sent++), .tokens = 1}});
    }
    if (stream.sent < stream.wanted) return;
    send(ipc::StreamEvent{id, Finished{.usage = {.completion_tokens = stream.sent}}});
    streams_.erase(id);
  }
  void handle(ipc::Cancel& cancel) { streams_.erase(cancel.stream); }
  void handle(ipc::Credit& credit) {
    const auto found = streams_.find(credit.stream);
    if (found == streams_.end()) return;
    found->second.credits += credit.events;
    flush(credit.stream);
  }
  // The number of open streams.
  void handle(ipc::CountTokens& count) {
    if (count.request.model == "unknown") {
      return send(ipc::TokenCount{.stream = count.stream, .error = {ErrorCode::kUnsupported, "can't count", "", ""}, .failed = true});
    }
    send(ipc::TokenCount{.stream = count.stream, .tokens = static_cast<std::int64_t>(streams_.size())});
  }
  void handle(ipc::Embed& embed) {
    ipc::EmbeddingAnswer answer{.stream = embed.stream};
    answer.failed = embed.request.model == "unknown";
    if (answer.failed) answer.error = {ErrorCode::kUnsupported, "can't embed", "", ""};
    answer.embeddings.vectors.assign(embed.request.inputs.size(), {0.6F, 0.8F});
    send(answer);
  }
  void handle(ipc::Ping& ping) {
    if (script_ == "silent") return;
    send(ipc::Pong{.sequence = ping.sequence, .step_age_us = script_ == "endless_step" ? 3'600'000'000 : 0});
  }
  void handle(ipc::Throttle&) {}
  void handle(ipc::Shutdown&) {
    if (script_ != "deaf") _exit(0);
  }

  struct Stream {
    std::int32_t credits = 0;
    std::int64_t wanted = 0;
    std::int64_t sent = 0;
  };

  int socket_;
  std::string_view script_;
  ipc::FrameReader reader_;
  std::map<ipc::StreamId, Stream> streams_;
};

}  // namespace
}  // namespace pensieve

int main(int argc, char** argv) {
  if (argc < 4 || std::string_view(argv[2]) != "--fd") return 2;
  return pensieve::ScriptedWorker(std::atoi(argv[3]), argv[1]).run();
}
