#include "client/server_record.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>
#include <fstream>
#include <glaze/glaze.hpp>
#include <sstream>
#include <utility>

namespace pensieve {
namespace {

std::filesystem::path record_file(const Paths& paths) { return paths.runtime / "server.json"; }

}  // namespace

Result<void> write_server_record(const Paths& paths, const ServerRecord& record) {
  std::string json;
  if (glz::write_json(record, json)) return fail(ErrorCode::kInternal, "can't write the server's record");
  return write_file_atomically(record_file(paths), json);
}

void remove_server_record(const Paths& paths) {
  std::error_code ignored;
  std::filesystem::remove(record_file(paths), ignored);
}

std::optional<ServerRecord> find_server(const Paths& paths) {
  std::ifstream file(record_file(paths));
  std::stringstream text;
  text << file.rdbuf();
  ServerRecord record;
  constexpr glz::opts kOptions{.error_on_unknown_keys = false};
  const std::string json = text.str();
  if (json.empty() || glz::read<kOptions>(record, json)) return std::nullopt;
  if (!is_running({record.pid, record.start_time})) return std::nullopt;
  return record;
}

Result<ServerLock> ServerLock::take(const Paths& paths) {
  const std::filesystem::path file = paths.runtime / "server.lock";
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(ErrorCode::kIo, std::format("can't write '{}': {}", file.string(), std::strerror(errno)),
                "check the folder's permissions, or set PENSIEVE_HOME to another one");
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return ServerLock(descriptor);
  close(descriptor);
  const std::optional<ServerRecord> other = find_server(paths);
  return fail(ErrorCode::kUnavailable,
              other ? std::format("Pensieve runs already at {} (pid {})", other->url, other->pid) : "another Pensieve is starting",
              "`pensieve stop` ends it; another PENSIEVE_HOME makes a second one possible");
}

ServerLock::ServerLock(ServerLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

ServerLock::~ServerLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace pensieve
