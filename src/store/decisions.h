// Routing decisions and how their requests went, kept over restarts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace pensieve::store {

// A decision as stored. `details` is the decision as JSON, opaque here.
struct StoredDecision {
  std::string id;
  std::int64_t at_unix = 0;
  std::string model;
  std::string task_class;
  std::string details;
  std::string state;  // running, finished, failed, disconnected
};

// One thread at a time. Only the newest kKept stay.
class Decisions {
 public:
  static constexpr std::int64_t kKept = 10'000;

  explicit Decisions(Database& database) : database_(database) {}

  // Inserts, or replaces the one with the same id (an outcome came).
  Result<void> put(const StoredDecision& decision);
  // The details of one; empty: there is none.
  Result<std::string> details(std::string_view id);
  // Newest first.
  Result<std::vector<StoredDecision>> newest(std::int64_t limit);

 private:
  Database& database_;
};

}  // namespace pensieve::store
