// The file by which commands find the running server, and the lock that keeps it single.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/paths.h"
#include "base/process.h"
#include "base/result.h"

namespace pensieve {

// What a running server tells of itself in <runtime>/server.json.
struct ServerRecord {
  std::int64_t pid = 0;
  std::int64_t start_time = 0;  // ProcessIdentity::start_time
  std::string url;
  std::string version;
};

Result<void> write_server_record(const Paths& paths, const ServerRecord& record);
void remove_server_record(const Paths& paths);

// The server that runs now; a record that a dead one left behind counts as none.
std::optional<ServerRecord> find_server(const Paths& paths);

// Held for as long as a server runs; the system releases it however the process ends.
class ServerLock {
 public:
  // Error kUnavailable if another server holds it, kIo if the folder can't be written.
  static Result<ServerLock> take(const Paths& paths);
  ServerLock(ServerLock&& other) noexcept;
  ServerLock& operator=(ServerLock&&) = delete;
  ~ServerLock();

 private:
  explicit ServerLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace pensieve
