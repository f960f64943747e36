#include "store/measurements.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace pensieve::store {
namespace {

constexpr int kKept = 16;    // figures of one key and depth
constexpr int kMedianOf = 5;

std::int64_t unix_now(const Clock& clock) {
  return std::chrono::duration_cast<std::chrono::seconds>(clock.wall_now().time_since_epoch()).count();
}

// Depths are kept in steps that double, so that a conversation that grows fills a few keys only:
// 0, 256, 512, 1024, ...
std::int64_t depth_step(std::int64_t depth) {
  if (depth < 128) return 0;
  std::int64_t step = 256;
  while (step * 3 / 2 < depth) step *= 2;
  return step;
}

void bind_key(SQLite::Statement& statement, const MeasurementKey& key) {
  statement.bind(1, key.machine);
  statement.bind(2, key.model);
  statement.bind(3, std::string(to_string(key.kind)));
  statement.bind(4, key.setting);
}

bool depth_is_exact(MeasurementKind kind) { return kind == MeasurementKind::kMemoryBytes; }

}  // namespace

std::string_view to_string(MeasurementKind kind) {
  switch (kind) {
    case MeasurementKind::kDecodeTps: return "decode_tps";
    case MeasurementKind::kPrefillTps: return "prefill_tps";
    case MeasurementKind::kLoadMs: return "load_ms";
    case MeasurementKind::kMemoryBytes: return "memory_bytes";
  }
  return "";
}

Result<void> Measurements::record(const MeasurementKey& key, double value) {
  if (!std::isfinite(value) || value <= 0) {
    return fail(ErrorCode::kInvalidArgument, "a measured figure must be positive and finite");
  }
  const std::int64_t depth = depth_is_exact(key.kind) ? key.depth : depth_step(key.depth);
  return database_.transact([&](SQLite::Database& connection) {
    SQLite::Statement insert(connection,
                             "INSERT INTO measurements (machine, model, kind, setting, depth, value, at_unix) VALUES (?,?,?,?,?,?,?)");
    bind_key(insert, key);
    insert.bind(5, depth);
    insert.bind(6, value);
    insert.bind(7, unix_now(clock_));
    insert.exec();
    SQLite::Statement trim(connection,
                           "DELETE FROM measurements WHERE machine=?1 AND model=?2 AND kind=?3 AND setting=?4 AND depth=?5 AND id NOT IN "
                           "(SELECT id FROM measurements WHERE machine=?1 AND model=?2 AND kind=?3 AND setting=?4 AND depth=?5 "
                           "ORDER BY id DESC LIMIT ?6)");
    bind_key(trim, key);
    trim.bind(5, depth);
    trim.bind(6, kKept);
    trim.exec();
  });
}

Result<std::optional<MeasuredFigure>> Measurements::find(const MeasurementKey& key) {
  return database_.read([&](SQLite::Database& connection) -> std::optional<MeasuredFigure> {
    SQLite::Statement nearest(connection,
                              "SELECT depth FROM measurements WHERE machine=?1 AND model=?2 AND kind=?3 AND setting=?4 "
                              "ORDER BY abs(depth - ?5), id DESC LIMIT 1");
    bind_key(nearest, key);
    nearest.bind(5, key.depth);
    if (!nearest.executeStep()) return std::nullopt;
    MeasuredFigure figure{.depth = nearest.getColumn(0).getInt64()};
    SQLite::Statement newest(connection,
                             "SELECT value, at_unix FROM measurements WHERE machine=?1 AND model=?2 AND kind=?3 AND setting=?4 AND depth=?5 "
                             "ORDER BY id DESC LIMIT ?6");
    bind_key(newest, key);
    newest.bind(5, figure.depth);
    newest.bind(6, kMedianOf);
    std::vector<double> values;
    while (newest.executeStep()) {
      values.push_back(newest.getColumn(0).getDouble());
      figure.at_unix = std::max(figure.at_unix, newest.getColumn(1).getInt64());
    }
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    figure.value = *middle;
    figure.samples = static_cast<int>(values.size());
    return figure;
  });
}

Result<void> Measurements::record_machine(std::string_view machine, std::string_view name, double value) {
  return database_.transact([&](SQLite::Database& connection) {
    SQLite::Statement put(connection, "INSERT OR REPLACE INTO machine_figures (machine, name, value, at_unix) VALUES (?,?,?,?)");
    put.bind(1, std::string(machine));
    put.bind(2, std::string(name));
    put.bind(3, value);
    put.bind(4, unix_now(clock_));
    put.exec();
  });
}

Result<std::optional<double>> Measurements::machine_figure(std::string_view machine, std::string_view name) {
  return database_.read([&](SQLite::Database& connection) -> std::optional<double> {
    SQLite::Statement get(connection, "SELECT value FROM machine_figures WHERE machine=? AND name=?");
    get.bind(1, std::string(machine));
    get.bind(2, std::string(name));
    if (!get.executeStep()) return std::nullopt;
    return get.getColumn(0).getDouble();
  });
}

Result<void> Measurements::record_reservation(std::string_view model, std::string_view setting, std::int64_t bytes) {
  return database_.transact([&](SQLite::Database& connection) {
    SQLite::Statement put(connection, "INSERT OR REPLACE INTO reservations (model, setting, bytes) VALUES (?,?,?)");
    put.bind(1, std::string(model));
    put.bind(2, std::string(setting));
    put.bind(3, bytes);
    put.exec();
  });
}

Result<std::optional<std::int64_t>> Measurements::reservation(std::string_view model, std::string_view setting) {
  return database_.read([&](SQLite::Database& connection) -> std::optional<std::int64_t> {
    SQLite::Statement get(connection, "SELECT bytes FROM reservations WHERE model=? AND setting=?");
    get.bind(1, std::string(model));
    get.bind(2, std::string(setting));
    if (!get.executeStep()) return std::nullopt;
    return get.getColumn(0).getInt64();
  });
}

}  // namespace pensieve::store
