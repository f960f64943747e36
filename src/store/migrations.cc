#include "store/migrations.h"

#include <array>

namespace pensieve::store {
namespace {

// What was measured and what is true of a machine or a model. Times are Unix seconds.
constexpr std::string_view kMeasurements = R"sql(
CREATE TABLE measurements (
  id        INTEGER PRIMARY KEY,
  at_unix   INTEGER NOT NULL,
  machine   TEXT NOT NULL,     -- fingerprint of machine and threads
  model     TEXT NOT NULL,     -- fingerprint of the model file
  kind      TEXT NOT NULL,     -- decode_tps, prefill_tps, load_ms, memory_bytes
  setting   TEXT NOT NULL,     -- cache type and what else changes the figure
  depth     INTEGER NOT NULL,  -- tokens in the cache, or the context for memory_bytes
  value     REAL NOT NULL
);
CREATE INDEX measurements_by_key ON measurements (machine, model, kind, setting, depth, id);
CREATE TABLE machine_figures (
  machine   TEXT NOT NULL,
  name      TEXT NOT NULL,     -- bandwidth, kernel speed of a format
  value     REAL NOT NULL,
  at_unix   INTEGER NOT NULL,
  PRIMARY KEY (machine, name)
) WITHOUT ROWID;
CREATE TABLE reservations (
  model     TEXT NOT NULL,
  setting   TEXT NOT NULL,     -- engine version and everything that shapes the graph
  bytes     INTEGER NOT NULL,
  PRIMARY KEY (model, setting)
) WITHOUT ROWID;
)sql";

// What was decided for each request and how it went.
constexpr std::string_view kDecisions = R"sql(
CREATE TABLE decisions (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  id        TEXT NOT NULL UNIQUE,  -- of the request
  at_unix   INTEGER NOT NULL,
  model     TEXT NOT NULL,         -- chosen
  class     TEXT NOT NULL,         -- simple, medium, complex
  state     TEXT NOT NULL,         -- running, finished, failed, disconnected
  details   TEXT NOT NULL          -- the whole decision as JSON
);
)sql";

// What happened to the machine and the models.
constexpr std::string_view kEvents = R"sql(
CREATE TABLE events (
  number     INTEGER PRIMARY KEY AUTOINCREMENT,
  at_unix_ms INTEGER NOT NULL,
  kind       TEXT NOT NULL,   -- level, downgrade, upgrade, model
  details    TEXT NOT NULL    -- the whole event as JSON
);
)sql";

// What a report needs of each decision, so that it need not read the details.
constexpr std::string_view kDecisionOutcomes = R"sql(
ALTER TABLE decisions ADD COLUMN answered TEXT NOT NULL DEFAULT '';         -- model that gave the answer
ALTER TABLE decisions ADD COLUMN named INTEGER NOT NULL DEFAULT 0;          -- 1: the request named its model
ALTER TABLE decisions ADD COLUMN expected_ttft_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE decisions ADD COLUMN expected_tps REAL NOT NULL DEFAULT 0;
ALTER TABLE decisions ADD COLUMN ttft_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE decisions ADD COLUMN tps REAL NOT NULL DEFAULT 0;               -- 0: not measured
ALTER TABLE decisions ADD COLUMN regenerations INTEGER NOT NULL DEFAULT 0;
ALTER TABLE decisions ADD COLUMN cascade TEXT NOT NULL DEFAULT '';          -- kept or escalated; empty: not tried
)sql";

constexpr auto kSteps = std::to_array<std::string_view>({
    kMeasurements,
    kDecisions,
    kEvents,
    kDecisionOutcomes,
});

}  // namespace

std::span<const std::string_view> migrations() { return kSteps; }

}  // namespace pensieve::store
