#include "store/decisions.h"

namespace pensieve::store {

Result<void> Decisions::put(const StoredDecision& decision) {
  return database_.transact([&](SQLite::Database& connection) {
    SQLite::Statement put(connection,
                          "INSERT INTO decisions (id, at_unix, model, class, state, details) VALUES (?,?,?,?,?,?) "
                          "ON CONFLICT (id) DO UPDATE SET state=excluded.state, details=excluded.details");
    put.bind(1, decision.id);
    put.bind(2, decision.at_unix);
    put.bind(3, decision.model);
    put.bind(4, decision.task_class);
    put.bind(5, decision.state);
    put.bind(6, decision.details);
    put.exec();
    SQLite::Statement trim(connection, "DELETE FROM decisions WHERE number <= (SELECT max(number) FROM decisions) - ?");
    trim.bind(1, kKept);
    trim.exec();
  });
}

Result<std::string> Decisions::details(std::string_view id) {
  return database_.read([&](SQLite::Database& connection) -> std::string {
    SQLite::Statement find(connection, "SELECT details FROM decisions WHERE id=?");
    find.bind(1, std::string(id));
    return find.executeStep() ? find.getColumn(0).getString() : "";
  });
}

Result<std::vector<StoredDecision>> Decisions::newest(std::int64_t limit) {
  return database_.read([&](SQLite::Database& connection) {
    SQLite::Statement find(connection, "SELECT id, at_unix, model, class, state, details FROM decisions ORDER BY number DESC LIMIT ?");
    find.bind(1, limit);
    std::vector<StoredDecision> found;
    while (find.executeStep()) {
      found.push_back({.id = find.getColumn(0).getString(),
                       .at_unix = find.getColumn(1).getInt64(),
                       .model = find.getColumn(2).getString(),
                       .task_class = find.getColumn(3).getString(),
                       .details = find.getColumn(5).getString(),
                       .state = find.getColumn(4).getString()});
    }
    return found;
  });
}

}  // namespace pensieve::store
