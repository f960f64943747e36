#include "background.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <format>
#include <fstream>
#include <print>
#include <sstream>
#include <thread>

#include "client/http_client.h"
#include "executable.h"

namespace pensieve {
namespace {

constexpr std::chrono::milliseconds kPoll{20};
constexpr std::chrono::seconds kStartTime{30};
constexpr std::chrono::seconds kStopTime{45};

std::string end_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  const std::string all = text.str();
  return all.size() > 1000 ? all.substr(all.size() - 1000) : all;
}

// A child of a child, in a session of its own, so that no terminal ends it.
Result<pid_t> spawn(const std::string& program, const std::filesystem::path& log) {
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (output < 0) return fail(ErrorCode::kIo, std::format("can't write '{}'", log.string()), "check the folder's permissions");
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    const int input = open("/dev/null", O_RDONLY);
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    execl(program.c_str(), program.c_str(), "serve", static_cast<char*>(nullptr));
    _exit(127);
  }
  close(output);
  if (child < 0) return fail(ErrorCode::kInternal, "can't start a process");
  return child;
}

}  // namespace

Result<ServerRecord> ensure_server(const Paths& paths) {
  if (const auto running = find_server(paths)) return *running;
  TRY_VOID(ensure_folder(paths.runtime));
  const std::string program = TRY(executable_path());
  const std::filesystem::path log = paths.runtime / "server.log";
  const pid_t child = TRY(spawn(program, log));
  const auto deadline = std::chrono::steady_clock::now() + kStartTime;
  while (std::chrono::steady_clock::now() < deadline) {
    if (waitpid(child, nullptr, WNOHANG) == child) break;
    if (const auto running = find_server(paths)) return *running;
    std::this_thread::sleep_for(kPoll);
  }
  return fail(ErrorCode::kUnavailable, std::format("the server did not start; its log ends with:\n{}", end_of(log)),
              std::format("see {}", log.string()));
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
