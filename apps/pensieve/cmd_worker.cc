#include <unistd.h>

#include <format>

#include "base/log.h"
#include "cli.h"
#include "worker/worker.h"

namespace pensieve::cli {

void add_worker(CLI::App& app, Run& chosen) {
  static int descriptor = -1;
  static long parent = 0;
  static std::string level = "info";
  CLI::App* command = add_command(app, "worker", "One model's process; started by the server", "", chosen, []() -> Result<void> {
    TRY_VOID(start_logging(level, std::format("worker {}", getpid())));
    worker::worker_main(descriptor, parent);
    return {};
  });
  command->group("");
  command->add_option("--fd", descriptor, "socket to the server")->required();
  command->add_option("--parent", parent, "pid of the server")->required();
  command->add_option("--log-level", level, "log level");
}

}  // namespace pensieve::cli
