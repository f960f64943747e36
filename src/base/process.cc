#include "base/process.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#ifdef __APPLE__
#include <libproc.h>
#include <sys/event.h>
#include <sys/sysctl.h>

#include <thread>
#else
#include <signal.h>
#include <sys/prctl.h>

#include <format>
#endif

namespace pensieve {

#ifdef __APPLE__

std::optional<ProcessIdentity> identify_process(std::int64_t pid) {
  proc_bsdinfo info{};
  const int size = proc_pidinfo(static_cast<int>(pid), PROC_PIDTBSDINFO, 0, &info, sizeof info);
  if (size != static_cast<int>(sizeof info) || info.pbi_status == SZOMB) return std::nullopt;
  return ProcessIdentity{pid,
                         static_cast<std::int64_t>(info.pbi_start_tvsec) * 1'000'000 + static_cast<std::int64_t>(info.pbi_start_tvusec)};
}

Bytes resident_memory(std::int64_t pid) {
  rusage_info_v2 usage{};
  const int status = proc_pid_rusage(static_cast<int>(pid), RUSAGE_INFO_V2, reinterpret_cast<rusage_info_t*>(&usage));
  return {status == 0 ? static_cast<std::int64_t>(usage.ri_phys_footprint) : 0};
}

void die_with_parent(std::int64_t expected_parent) {
  std::thread([expected_parent] {
    const int queue = kqueue();
    struct kevent change;
    EV_SET(&change, static_cast<uintptr_t>(expected_parent), EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, nullptr);
    struct kevent event;
    kevent(queue, &change, 1, &event, 1, nullptr);
    _exit(1);
  }).detach();
  if (getppid() != expected_parent) _exit(1);
}

#else

// /proc/PID/stat: the name in parentheses may hold anything, so fields count from the last one on.
std::optional<ProcessIdentity> identify_process(std::int64_t pid) {
  std::ifstream file(std::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  std::string state;
  fields >> state;
  if (state == "Z" || state == "X") return std::nullopt;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  std::int64_t start_time = 0;
  if (!(fields >> start_time)) return std::nullopt;
  return ProcessIdentity{pid, start_time};
}

Bytes resident_memory(std::int64_t pid) {
  std::ifstream file(std::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("VmRSS:")) continue;
    std::int64_t kilobytes = 0;
    std::istringstream(line.substr(6)) >> kilobytes;
    return kibibytes(kilobytes);
  }
  return {};
}

void die_with_parent(std::int64_t expected_parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != expected_parent) _exit(1);
}

#endif

ProcessIdentity this_process() { return identify_process(getpid()).value_or(ProcessIdentity{getpid(), 0}); }

bool is_running(const ProcessIdentity& process) { return identify_process(process.pid) == process; }

}  // namespace pensieve
