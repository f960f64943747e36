// Hands values from any thread to the one that owns the mailbox.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace pensieve::engine {

template <typename T>
class Mailbox {
 public:
  // Any thread. After close() the value is dropped.
  void post(T value) {
    {
      const std::scoped_lock lock(mutex_);
      if (closed_) return;
      values_.push_back(std::move(value));
    }
    arrived_.notify_one();
  }

  // Any thread: makes the owner look around without bringing a value.
  void wake() {
    {
      const std::scoped_lock lock(mutex_);
      woken_ = true;
    }
    arrived_.notify_one();
  }

  // Any thread: take() returns false from now on.
  void close() {
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    arrived_.notify_one();
  }

  // The owner: moves what has come into `values` (emptied first). With `wait` it sleeps until there
  // is a value or a wake(). False once closed.
  bool take(std::vector<T>& values, bool wait) {
    values.clear();
    std::unique_lock lock(mutex_);
    if (wait) arrived_.wait(lock, [this] { return closed_ || woken_ || !values_.empty(); });
    woken_ = false;
    values.swap(values_);
    return !closed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<T> values_;
  bool woken_ = false;
  bool closed_ = false;
};

}  // namespace pensieve::engine
