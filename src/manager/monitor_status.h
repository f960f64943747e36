// What people and programs see of the performance monitor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pensieve {

struct SignalStatus {
  std::string name;  // "memory_percent"
  std::string unit;
  std::optional<double> value;  // null: unknown
  std::optional<double> smoothed;
  std::string source;       // where it comes from; empty: nobody tells it
  std::int64_t age_ms = 0;  // of the value
  std::string note;         // why a value that came is not believed
};

// Something that happened to the machine or to a model.
struct ServerEvent {
  std::int64_t number = 0;  // rises by one; of this server's life
  std::int64_t at_unix_ms = 0;
  std::string kind;  // "level", "downgrade", "upgrade", "model"
  std::string from;  // level, or a model's state
  std::string to;
  std::string model;   // kind "model": its id; else the largest model allowed since, empty: any
  std::string reason;  // in words
};

struct ThrottleStatus {
  std::int32_t threads_percent = 100;
  std::int32_t batch_percent = 100;
  std::int32_t pause_percent = 0;
  std::int32_t active_percent = 100;
};

struct MonitorStatus {
  bool enabled = false;
  std::string level = "normal";
  std::int64_t level_seconds = 0;  // since the last change
  std::string reason;              // of the level; empty: all is well
  std::string largest_model;       // that may answer requests to `auto`; empty: any
  std::string held_by;             // why no larger one comes back yet; empty: nothing holds it
  std::optional<double> score;     // 0..1
  std::vector<SignalStatus> signals;
  ThrottleStatus throttle;
  std::int64_t queue_limit = 0;     // requests that may be under way or wait now
  std::int64_t requests_open = 0;   // that do
  std::vector<ServerEvent> events;  // the latest, newest first
};

}  // namespace pensieve
