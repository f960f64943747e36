// What happened to the machine and the models, kept over restarts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/database.h"

namespace pensieve::store {

// `details` is the event as JSON, opaque here.
struct StoredEvent {
  std::int64_t at_unix_ms = 0;
  std::string kind;
  std::string details;
};

// One thread at a time. Only the newest kKept stay.
class Events {
 public:
  static constexpr std::int64_t kKept = 10'000;

  explicit Events(Database& database) : database_(database) {}

  Result<void> add(const StoredEvent& event);
  // Newest first.
  Result<std::vector<StoredEvent>> newest(std::int64_t limit);

 private:
  Database& database_;
};

}  // namespace pensieve::store
