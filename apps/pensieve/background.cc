#include "background.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <format>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "executable.h"

namespace pensieve {
namespace {

constexpr std::chrono::milliseconds kPoll{20};
constexpr std::chrono::seconds kStartTime{30};
constexpr std::chrono::seconds kStopTime{45};

// Why a server ended, from its log: the error that it printed, or else the log's last lines.
Error reason_of(const std::filesystem::path& log) {
  std::ifstream stream(log);
  std::stringstream text;
  text << stream.rdbuf();
  std::string all = text.str();
  constexpr std::string_view kError = "error: ";
  const std::string see = std::format("the log is {}", log.string());
  if (const std::size_t at = all.rfind(kError); at != std::string::npos && (at == 0 || all[at - 1] == '\n')) {
    std::string said = all.substr(at + kError.size());
    said.resize(std::min(said.find('\n'), said.size()));
    return {ErrorCode::kUnavailable, "the server did not start: " + said, see, ""};
  }
  if (all.size() > 1000) all.erase(0, all.size() - 1000);
  return {ErrorCode::kUnavailable, "the server did not start; its log ends with:\n" + all, see, ""};
}

// A child of a child, in a session of its own, so that no terminal ends it.
Result<pid_t> spawn(std::vector<std::string> command, const std::filesystem::path& log) {
  std::vector<char*> arguments;
  for (std::string& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (output < 0) {
    return fail(ErrorCode::kIo, std::format("can't write '{}': {}", log.string(), std::strerror(errno)), "check the folder's permissions");
  }
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    const int input = open("/dev/null", O_RDONLY);
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    execv(arguments.front(), arguments.data());
    _exit(127);
  }
  close(output);
  if (child < 0) return fail(ErrorCode::kInternal, "can't start a process");
  return child;
}

// Held while a server is being started, so that of several commands that need one only one starts it and
// the others wait for it. The system releases it however the command ends.
class StartLock {
 public:
  explicit StartLock(const std::filesystem::path& file) : descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    while (descriptor_ >= 0 && flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~StartLock() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  StartLock(const StartLock&) = delete;
  StartLock& operator=(const StartLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace

Result<ServerRecord> ensure_server(const Paths& paths, const std::map<std::string, std::string>& settings) {
  if (const auto running = find_server(paths)) return *running;
  TRY_VOID(ensure_folder(paths.runtime));
  const StartLock lock(paths.runtime / "start.lock");
  if (const auto running = find_server(paths)) return *running;
  std::vector<std::string> command = {TRY(executable_path()), "serve"};
  for (const auto& [key, value] : settings) command.push_back(std::format("--{}={}", key, value));
  const std::filesystem::path log = paths.runtime / "server.log";
  const pid_t child = TRY(spawn(std::move(command), log));
  const auto deadline = std::chrono::steady_clock::now() + kStartTime;
  while (std::chrono::steady_clock::now() < deadline) {
    if (waitpid(child, nullptr, WNOHANG) == child) break;
    if (const auto running = find_server(paths)) return *running;
    std::this_thread::sleep_for(kPoll);
  }
  return std::unexpected(reason_of(log));
}

Result<bool> stop_server(const Paths& paths) {
  const auto running = find_server(paths);
  if (!running) return false;
  const ProcessIdentity server{running->pid, running->start_time};
  kill(static_cast<pid_t>(server.pid), SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kStopTime;
  while (is_running(server)) {
    if (std::chrono::steady_clock::now() > deadline) kill(static_cast<pid_t>(server.pid), SIGKILL);
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

}  // namespace pensieve
