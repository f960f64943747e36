// doctor: a worker, as the server starts it.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <format>

#include "base/clock.h"
#include "base/units.h"
#include "doctor.h"
#include "executable.h"
#include "manager/worker_session.h"

namespace pensieve::cli {
namespace {

namespace asio = boost::asio;
using Verdict = Check::Verdict;

// What engine/llama_api.h is written against; a build against another may work.
constexpr std::string_view kTestedEngine = "llama.cpp 0.7.";
constexpr std::chrono::seconds kPatience{60};

Result<ipc::Hello> hear_from_worker() {
  WorkerCommand command{.program = TRY(executable_path()), .arguments = {"worker", "--log-level", "error"}, .start_timeout = kPatience};
  asio::io_context loop(1);
  const SystemClock clock;
  const auto session = TRY(WorkerSession::start(loop.get_executor(), command, clock));
  Result<ipc::Hello> heard = fail(ErrorCode::kWorkerLost, "the worker did not introduce itself");
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<void> {
        if (const Result<void> ready = co_await session->ready(); !ready) {
          heard = std::unexpected(ready.error());
        } else {
          heard = *session->hello();
        }
        co_await session->stop();
        loop.stop();
      },
      asio::detached);
  loop.run();
  return heard;
}

Check device_check(const ipc::Device& device) {
  // ggml reports a CPU's free memory as its total.
  const std::string memory =
      device.kind == "cpu" ? "" : std::format(", {} of {} free", to_text(Bytes{device.memory_free}), to_text(Bytes{device.memory_total}));
  return {Verdict::kGood, "engine", std::format("device {} ({}): {}{}", device.name, device.kind, device.description, memory), ""};
}

}  // namespace

EngineProbe check_engine() {
  EngineProbe probe;
  const Result<ipc::Hello> hello = hear_from_worker();
  if (!hello) {
    probe.checks.push_back(
        {Verdict::kBroken, "engine", "a worker does not start: " + hello.error().message,
         "`pensieve serve --log-level debug` shows more; reinstall libllama and libggml if files of theirs are missing"});
    return probe;
  }
  probe.hello = *hello;
  const bool tested = hello->engine.starts_with(kTestedEngine);
  probe.checks.push_back(
      {tested ? Verdict::kGood : Verdict::kWarning, "engine",
       std::format("{}{}", hello->engine, tested ? "" : std::format(", which is not in the tested range ({}*)", kTestedEngine)),
       tested ? "" : "nothing, if answers are sensible; otherwise install the tested version"});
  bool can_compute = false;
  for (const ipc::Device& device : hello->devices) {
    probe.checks.push_back(device_check(device));
    can_compute = can_compute || device.kind == "cpu";
  }
  if (!can_compute) {
    probe.checks.push_back({Verdict::kBroken, "engine", "ggml found no CPU backend", "install ggml's CPU backend (libggml on Debian)"});
  }
  return probe;
}

}  // namespace pensieve::cli
