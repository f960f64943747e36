// What happened lately to the machine and to the models, for those who watch.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <vector>

#include "manager/monitor_status.h"
#include "manager/signal.h"

namespace pensieve {

// In memory, bounded. On the supervisor's loop.
class EventLog {
 public:
  explicit EventLog(const boost::asio::any_io_executor& executor, std::size_t limit = 1000) : arrived_(executor), limit_(limit) {}

  // Called with each event that comes from now on.
  void on_event(std::function<void(const ServerEvent&)> observer) { observer_ = std::move(observer); }

  // Numbers the event and keeps it; the oldest is forgotten beyond the limit.
  void add(ServerEvent event);

  [[nodiscard]] std::int64_t last_number() const { return last_; }
  // Those after `number` that are still known, oldest first.
  [[nodiscard]] std::vector<ServerEvent> after(std::int64_t number) const;
  // At most `count`, newest first.
  [[nodiscard]] std::vector<ServerEvent> newest(std::size_t count) const;
  // No more will come: whoever waits resumes, and may end.
  void close();
  [[nodiscard]] bool closed() const { return closed_; }
  // False if none came within `patience`.
  boost::asio::awaitable<bool> wait(std::chrono::milliseconds patience);

 private:
  Signal arrived_;
  std::size_t limit_;
  std::int64_t last_ = 0;
  bool closed_ = false;
  std::deque<ServerEvent> events_;  // oldest first
  std::function<void(const ServerEvent&)> observer_;
};

}  // namespace pensieve
