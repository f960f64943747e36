// The ledger's file: one SQLite database in the data folder.
//
// Problem: measurements and decisions must survive a crash of any process, be readable by a command
// (`pensieve fit`) while the server writes, and never keep the server from starting. So: write-ahead
// logging (readers do not wait for the writer; a crash leaves either the whole transaction or none
// of it), short transactions, and a damaged file is moved aside, kept for a person to look at, and
// begun anew with a warning: what it held makes predictions better but is needed for nothing.
// Rejected: a text journal (needs compaction and locking of its own), one file a table (no common
// transaction).
//
// The tables grow by numbered migrations (migrations.h); PRAGMA user_version holds the number of
// those that ran. A file of a newer Pensieve is refused rather than guessed at.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace pensieve::store {

// An open database with its tables as this version wants them. One thread at a time. Only store/
// uses it directly; others use the classes around it (measurements.h).
class Database {
 public:
  // Opens `file`, made with its tables if absent. A file that is damaged or no database is renamed
  // to `<file>.damaged-<unix time>` and begun anew, with a warning in the log. Errors: kIo (folder
  // not writable, disk full, locked for longer than 5 s), kUnsupported (of a newer Pensieve).
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file);

  // The same in memory: for tests, and for a server whose disk refuses the file.
  static Result<std::unique_ptr<Database>> open_in_memory();

  // Runs `work(SQLite::Database&)` in one transaction: all of it is kept or nothing. Its result is
  // passed on; an exception of SQLite becomes error kIo. `work` returns a value, void or a Result.
  template <typename Work>
  auto transact(Work&& work) {
    return guarded([&](SQLite::Database& connection) {
      SQLite::Transaction transaction(connection);
      if constexpr (std::is_void_v<std::invoke_result_t<Work, SQLite::Database&>>) {
        work(connection);
        transaction.commit();
      } else {
        auto result = work(connection);
        transaction.commit();
        return result;
      }
    });
  }

  // The same without a transaction of its own, for reading.
  template <typename Work>
  auto read(Work&& work) {
    return guarded(std::forward<Work>(work));
  }

 private:
  explicit Database(std::unique_ptr<SQLite::Database> connection) : connection_(std::move(connection)) {}

  template <typename Work>
  auto guarded(Work&& work) -> Result<std::invoke_result_t<Work, SQLite::Database&>> {
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<Work, SQLite::Database&>>) {
        work(*connection_);
        return {};
      } else {
        return work(*connection_);
      }
    } catch (const SQLite::Exception& error) {
      return fail(ErrorCode::kIo, std::string("the ledger: ") + error.what(),
                  "check the disk; the ledger may be deleted while no server runs");
    }
  }

  std::unique_ptr<SQLite::Database> connection_;
};

}  // namespace pensieve::store
