// Wakes coroutines of one event loop when something changed.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <list>
#include <utility>

namespace pensieve {

// All waiting coroutines resume after notify(); they look at the state again and wait again if it
// is not what they wait for. Wakes without cause are possible. Waiting can be cancelled.
class Signal {
 public:
  explicit Signal(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  void notify() {
    for (boost::asio::steady_timer* waiter : waiters_) waiter->cancel();
  }

  boost::asio::awaitable<void> wait() { co_await wait_until(std::chrono::steady_clock::time_point::max()); }

  // False if the time ran out before a notify().
  boost::asio::awaitable<bool> wait_until(std::chrono::steady_clock::time_point deadline) {
    boost::asio::steady_timer timer(executor_, deadline);
    waiters_.push_back(&timer);
    const struct Leave {
      std::list<boost::asio::steady_timer*>& waiters;
      boost::asio::steady_timer* own;
      ~Leave() { waiters.remove(own); }
    } leave{waiters_, &timer};
    const auto [error] = co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return static_cast<bool>(error);
  }

 private:
  boost::asio::any_io_executor executor_;
  std::list<boost::asio::steady_timer*> waiters_;
};

}  // namespace pensieve
