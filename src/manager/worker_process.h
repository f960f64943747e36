// A worker's process and the socket to it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"

namespace pensieve {

// A child process with one end of a socket pair as its descriptor 3 and no other descriptor of ours
// but the standard ones. Killed by the destructor if it still runs.
class WorkerProcess {
 public:
  // Starts `program` with `arguments`, then "--fd 3 --parent PID". Error kIo/kInternal. Must be called
  // on the main thread, whose end ends the worker (die_with_parent).
  static Result<std::unique_ptr<WorkerProcess>> start(boost::asio::any_io_executor executor, const std::string& program,
                                                      std::vector<std::string> arguments);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  // Our end of the socket; the caller owns it from now. Once only.
  [[nodiscard]] int take_socket();

  // Calls `handler` with how it ended ("ended by signal 9 (Killed)") once it is reaped. The handler
  // keeps this object alive.
  void on_exit(std::function<void(std::string)> handler);

  // SIGKILL, unless it ended already.
  void kill();

  [[nodiscard]] bool exited() const { return exited_; }
  [[nodiscard]] const ProcessIdentity& identity() const { return identity_; }

 private:
  struct Child;

  explicit WorkerProcess(int socket);

  int socket_;
  std::unique_ptr<Child> child_;
  ProcessIdentity identity_;
  bool exited_ = false;
};

}  // namespace pensieve
