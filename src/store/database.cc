#include "store/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <format>
#include <span>

#include "base/log.h"
#include "store/migrations.h"

namespace pensieve::store {
namespace {

constexpr int kBusyMilliseconds = 5000;

bool means_damage(const SQLite::Exception& error) {
  const int code = error.getErrorCode() & 0xFF;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

void migrate(SQLite::Database& connection) {
  const std::span<const std::string_view> steps = migrations();
  SQLite::Transaction transaction(connection, SQLite::TransactionBehavior::IMMEDIATE);
  const int done = connection.execAndGet("PRAGMA user_version").getInt();
  for (std::size_t step = static_cast<std::size_t>(done); step < steps.size(); ++step) {
    connection.exec(std::string(steps[step]));
  }
  if (static_cast<std::size_t>(done) < steps.size()) connection.exec(std::format("PRAGMA user_version = {}", steps.size()));
  transaction.commit();
}

Result<std::unique_ptr<SQLite::Database>> prepare(const std::string& file) {
  auto connection = std::make_unique<SQLite::Database>(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyMilliseconds);
  // The first statement that reads the file; a foreign one fails here.
  const int version = connection->execAndGet("PRAGMA user_version").getInt();
  if (version < 0 || static_cast<std::size_t>(version) > migrations().size()) {
    return fail(ErrorCode::kUnsupported, std::format("{} was written by a newer Pensieve (step {})", file, version),
                "use that version, or move the file away");
  }
  connection->exec("PRAGMA journal_mode = WAL");
  connection->exec("PRAGMA synchronous = NORMAL");
  if (connection->execAndGet("PRAGMA quick_check(1)").getString() != "ok") {
    throw SQLite::Exception("quick_check found damage", SQLITE_CORRUPT);
  }
  migrate(*connection);
  return connection;
}

// Renames the file with its journal, so that nothing of the damaged one is read again.
Result<void> move_aside(const std::filesystem::path& file, const std::string& why) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  const std::filesystem::path aside = std::format("{}.damaged-{}", file.string(), now.count());
  spdlog::warn("{} is damaged ({}); kept as {} and begun anew", file.string(), why, aside.string());
  std::error_code error;
  std::filesystem::rename(file, aside, error);
  if (error) {
    return fail(ErrorCode::kIo, std::format("{} is damaged and can't be moved aside: {}", file.string(), error.message()),
                "delete it");
  }
  for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(file.string() + suffix, error);
  return {};
}

std::unexpected<Error> open_error(const std::filesystem::path& file, const SQLite::Exception& error) {
  return fail(ErrorCode::kIo, std::format("can't open {}: {}", file.string(), error.what()),
              "check the folder's permissions and the disk's free space");
}

// Only the owner may read what was asked and measured. SQLite gives the journal the file's mode.
void make_private(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor >= 0) close(descriptor);
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file) {
  make_private(file);
  try {
    return std::unique_ptr<Database>(new Database(TRY(prepare(file.string()))));
  } catch (const SQLite::Exception& error) {
    if (!means_damage(error)) return open_error(file, error);
    TRY_VOID(move_aside(file, error.what()));
  }
  make_private(file);
  try {
    return std::unique_ptr<Database>(new Database(TRY(prepare(file.string()))));
  } catch (const SQLite::Exception& error) {
    return open_error(file, error);
  }
}

Result<std::unique_ptr<Database>> Database::open_in_memory() {
  try {
    return std::unique_ptr<Database>(new Database(TRY(prepare(":memory:"))));
  } catch (const SQLite::Exception& error) {
    return open_error(":memory:", error);
  }
}

}  // namespace pensieve::store
