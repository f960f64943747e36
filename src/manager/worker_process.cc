#include "manager/worker_process.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/process/v2/environment.hpp>
#include <boost/process/v2/posix/bind_fd.hpp>
#include <boost/process/v2/process.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <format>
#include <utility>

#include "manager/worker_environment.h"

namespace pensieve {

namespace process = boost::process::v2;

namespace {

constexpr int kWorkerDescriptor = 3;

std::string describe_exit(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return std::format("ended by signal {} ({}){}", signal, strsignal(signal),
                       signal == SIGKILL ? "; perhaps the system was out of memory" : "");
  }
  return std::format("exited with code {}", WIFEXITED(status) ? WEXITSTATUS(status) : status);
}

}  // namespace

struct WorkerProcess::Child {
  process::process handle;
};

WorkerProcess::WorkerProcess(int socket) : socket_(socket) {}

WorkerProcess::~WorkerProcess() {
  kill();
  if (socket_ >= 0) close(socket_);
}

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(boost::asio::any_io_executor executor, const std::string& program,
                                                            std::vector<std::string> arguments) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) {
    return fail(ErrorCode::kIo, std::format("can't make a socket pair: {}", std::strerror(errno)));
  }
  for (const int socket : sockets) fcntl(socket, F_SETFD, FD_CLOEXEC);
  std::unique_ptr<WorkerProcess> worker(new WorkerProcess(sockets[0]));
  arguments.insert(arguments.end(), {"--fd", std::to_string(kWorkerDescriptor), "--parent", std::to_string(getpid())});
  static const std::vector<std::string> environment = worker_environment(own_environment(), waiting_passes(kThreadWait));
  try {
    worker->child_ =
        std::make_unique<Child>(Child{process::process(std::move(executor), program, arguments, process::process_environment(environment),
                                                       process::posix::bind_fd(kWorkerDescriptor, sockets[1]))});
  } catch (const std::exception& error) {
    close(sockets[1]);
    return fail(ErrorCode::kInternal, std::format("can't start a worker process ({}): {}", program, error.what()));
  }
  close(sockets[1]);
  const auto pid = static_cast<std::int64_t>(worker->child_->handle.id());
  worker->identity_ = identify_process(pid).value_or(ProcessIdentity{pid, 0});
  return worker;
}

int WorkerProcess::take_socket() { return std::exchange(socket_, -1); }

void WorkerProcess::on_exit(std::function<void(std::string)> handler) {
  child_->handle.async_wait([this, handler = std::move(handler)](boost::system::error_code error, int) {
    exited_ = true;
    handler(error ? error.message() : describe_exit(child_->handle.native_exit_code()));
  });
}

void WorkerProcess::kill() {
  if (child_ && !exited_) ::kill(static_cast<pid_t>(identity_.pid), SIGKILL);
}

}  // namespace pensieve
