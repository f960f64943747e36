// Takes an engine's events in tests and waits for them.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace pensieve::engine {

// All that one stream was told, in order.
struct StreamRecord {
  std::vector<GenerationEvent> events;

  [[nodiscard]] std::string text() const {
    std::string text;
    for (const auto& event : events) {
      if (const auto* delta = std::get_if<Delta>(&event)) text += delta->text;
    }
    return text;
  }
  template <typename Event>
  [[nodiscard]] std::optional<Event> first() const {
    for (const auto& event : events) {
      if (const auto* found = std::get_if<Event>(&event)) return *found;
    }
    return std::nullopt;
  }
};

// Thread-safe.
class EventLog {
 public:
  [[nodiscard]] EventSink sink() {
    return [this](ipc::StreamId stream, GenerationEvent event) {
      const std::scoped_lock lock(mutex_);
      records_[stream].events.push_back(std::move(event));
      changed_.notify_all();
    };
  }

  // Waits until `enough` of the stream's record; by default until its last event.
  StreamRecord wait(ipc::StreamId stream, auto enough) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return enough(records_[stream]); });
    return records_[stream];
  }
  StreamRecord wait(ipc::StreamId stream) {
    return wait(stream, [](const StreamRecord& record) { return !record.events.empty() && is_terminal(record.events.back()); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<ipc::StreamId, StreamRecord> records_;
};

}  // namespace pensieve::engine
