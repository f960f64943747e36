#include "store/events.h"

namespace pensieve::store {

Result<void> Events::add(const StoredEvent& event) {
  return database_.transact([&](SQLite::Database& connection) {
    SQLite::Statement add(connection, "INSERT INTO events (at_unix_ms, kind, details) VALUES (?,?,?)");
    add.bind(1, event.at_unix_ms);
    add.bind(2, event.kind);
    add.bind(3, event.details);
    add.exec();
    SQLite::Statement trim(connection, "DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - ?");
    trim.bind(1, kKept);
    trim.exec();
  });
}

Result<std::vector<StoredEvent>> Events::newest(std::int64_t limit) {
  return database_.read([&](SQLite::Database& connection) {
    SQLite::Statement find(connection, "SELECT at_unix_ms, kind, details FROM events ORDER BY number DESC LIMIT ?");
    find.bind(1, limit);
    std::vector<StoredEvent> found;
    while (find.executeStep()) {
      found.push_back(
          {.at_unix_ms = find.getColumn(0).getInt64(), .kind = find.getColumn(1).getString(), .details = find.getColumn(2).getString()});
    }
    return found;
  });
}

}  // namespace pensieve::store
