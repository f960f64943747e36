#include "store/decisions.h"

namespace pensieve::store {
namespace {

constexpr const char* kPut =
    "INSERT INTO decisions (id, at_unix, model, class, state, details, answered, named, expected_ttft_ms, expected_tps, ttft_ms, tps, "
    "regenerations, cascade) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET model=excluded.model, "
    "class=excluded.class, state=excluded.state, details=excluded.details, answered=excluded.answered, "
    "expected_ttft_ms=excluded.expected_ttft_ms, expected_tps=excluded.expected_tps, ttft_ms=excluded.ttft_ms, tps=excluded.tps, "
    "regenerations=excluded.regenerations, cascade=excluded.cascade";

constexpr const char* kRow =
    "SELECT id, at_unix, model, answered, class, state, named, expected_ttft_ms, expected_tps, ttft_ms, tps, regenerations, "
    "cascade FROM decisions ORDER BY number DESC LIMIT ?";

void bind_row(SQLite::Statement& put, const StoredDecision& decision) {
  const DecisionRow& row = decision.row;
  put.bind(1, row.id);
  put.bind(2, row.at_unix);
  put.bind(3, row.model);
  put.bind(4, row.task_class);
  put.bind(5, row.state);
  put.bind(6, decision.details);
  put.bind(7, row.answered);
  put.bind(8, row.named ? 1 : 0);
  put.bind(9, row.expected_ttft_ms);
  put.bind(10, row.expected_tps);
  put.bind(11, row.ttft_ms);
  put.bind(12, row.tps);
  put.bind(13, row.regenerations);
  put.bind(14, row.cascade);
}

DecisionRow row_of(SQLite::Statement& found) {
  return {.id = found.getColumn(0).getString(),
          .at_unix = found.getColumn(1).getInt64(),
          .model = found.getColumn(2).getString(),
          .answered = found.getColumn(3).getString(),
          .task_class = found.getColumn(4).getString(),
          .state = found.getColumn(5).getString(),
          .named = found.getColumn(6).getInt() != 0,
          .expected_ttft_ms = found.getColumn(7).getInt64(),
          .expected_tps = found.getColumn(8).getDouble(),
          .ttft_ms = found.getColumn(9).getInt64(),
          .tps = found.getColumn(10).getDouble(),
          .regenerations = found.getColumn(11).getInt(),
          .cascade = found.getColumn(12).getString()};
}

}  // namespace

Result<void> Decisions::put(const StoredDecision& decision) {
  return database_.transact([&](SQLite::Database& connection) {
    SQLite::Statement put(connection, kPut);
    bind_row(put, decision);
    put.exec();
    SQLite::Statement trim(connection, "DELETE FROM decisions WHERE number <= (SELECT max(number) FROM decisions) - ?");
    trim.bind(1, kKept);
    trim.exec();
  });
}

Result<void> Decisions::interrupt_running() {
  return database_.transact([](SQLite::Database& connection) {
    connection.exec(
        "UPDATE decisions SET state='interrupted', details=json_set(details, '$.outcome.state', 'interrupted') WHERE state='running'");
  });
}

Result<std::string> Decisions::details(std::string_view id) {
  return database_.read([&](SQLite::Database& connection) -> std::string {
    SQLite::Statement find(connection, "SELECT details FROM decisions WHERE id=?");
    find.bind(1, std::string(id));
    return find.executeStep() ? find.getColumn(0).getString() : "";
  });
}

Result<std::vector<DecisionRow>> Decisions::newest(std::int64_t limit) {
  return database_.read([&](SQLite::Database& connection) {
    SQLite::Statement find(connection, kRow);
    find.bind(1, limit);
    std::vector<DecisionRow> found;
    while (find.executeStep()) found.push_back(row_of(find));
    return found;
  });
}

Result<std::vector<std::string>> Decisions::page(std::int64_t limit, std::string_view before) {
  return database_.read([&](SQLite::Database& connection) {
    SQLite::Statement find(connection,
                           "SELECT details FROM decisions WHERE ?1='' OR number < (SELECT number FROM decisions WHERE id=?1) "
                           "ORDER BY number DESC LIMIT ?2");
    find.bind(1, std::string(before));
    find.bind(2, limit);
    std::vector<std::string> found;
    while (find.executeStep()) found.push_back(find.getColumn(0).getString());
    return found;
  });
}

}  // namespace pensieve::store
