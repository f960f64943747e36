// Watches a routed answer for its outcome.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "manager/decision_log.h"
#include "manager/fleet_history.h"
#include "manager/service.h"

namespace pensieve {

class RoutedStream final : public GenerationStream {
 public:
  // Where what is seen goes; all outlive the stream.
  struct Observers {
    DecisionLog& log;
    FleetHistory& history;
    const Clock& clock;
  };

  // What the stream answers.
  struct Subject {
    std::string decision;   // id
    std::string shortfall;  // of the decision
    std::uint64_t conversation = 0;
    SteadyTime begin;  // when the request came
  };

  RoutedStream(Observers observers, std::unique_ptr<GenerationStream> stream, Subject subject)
      : observers_(observers), stream_(std::move(stream)), subject_(std::move(subject)) {}
  // A client that has gone away counts as disconnected.
  ~RoutedStream() override;
  RoutedStream(const RoutedStream&) = delete;
  RoutedStream& operator=(const RoutedStream&) = delete;

  boost::asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds patience) override;
  [[nodiscard]] const std::string& model() const override { return stream_->model(); }
  [[nodiscard]] std::string degraded() const override;

 private:
  void observe(const GenerationEvent& event);

  Observers observers_;
  std::unique_ptr<GenerationStream> stream_;
  Subject subject_;
  DecisionOutcome outcome_;
};

}  // namespace pensieve
