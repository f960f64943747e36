#include "manager/event_log.h"

#include <ranges>
#include <utility>

namespace pensieve {

void EventLog::add(ServerEvent event) {
  event.number = ++last_;
  events_.push_back(std::move(event));
  if (observer_) observer_(events_.back());
  if (events_.size() > limit_) events_.pop_front();
  arrived_.notify();
}

void EventLog::close() {
  closed_ = true;
  arrived_.notify();
}

std::vector<ServerEvent> EventLog::after(std::int64_t number) const {
  const auto later = [number](const ServerEvent& event) { return event.number > number; };
  return events_ | std::views::filter(later) | std::ranges::to<std::vector>();
}

std::vector<ServerEvent> EventLog::newest(std::size_t count) const {
  return events_ | std::views::reverse | std::views::take(count) | std::ranges::to<std::vector>();
}

boost::asio::awaitable<bool> EventLog::wait(std::chrono::milliseconds patience) {
  co_return co_await arrived_.wait_until(std::chrono::steady_clock::now() + patience);
}

}  // namespace pensieve
