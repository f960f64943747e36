// The figures of /metrics.
#pragma once

#include <prometheus/registry.h>

#include <chrono>
#include <string>
#include <string_view>

#include "generation/event.h"
#include "manager/service.h"

namespace pensieve::api {

// Distributions over the server's life. All calls on the event loop. Labels are ids of served
// models and our own words, never a client's text: their number is bounded.
class Metrics {
 public:
  Metrics();

  // From a request's arrival to its first text or tool call.
  void observe_first_token(std::string_view model, std::chrono::nanoseconds elapsed);
  // From a request's arrival to the end of its whole answer.
  void observe_answer(std::string_view model, std::chrono::nanoseconds elapsed);
  // The engine's own times for an answer: waiting, reading the prompt, writing.
  void observe_engine(std::string_view model, const Timings& timings);
  // Tokens guessed ahead of an answer.
  void count_predictions(std::string_view model, const Usage& usage);
  // How a generation ended: "finished", or an error code's word.
  void count_outcome(std::string_view outcome);

  // These and the figures of `status` in Prometheus' text format, version 0.0.4.
  [[nodiscard]] std::string to_text(const ServiceStatus& status) const;

 private:
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Histogram>& first_token_;
  prometheus::Family<prometheus::Histogram>& answer_;
  prometheus::Family<prometheus::Histogram>& engine_;
  prometheus::Family<prometheus::Counter>& outcomes_;
  prometheus::Family<prometheus::Counter>& predictions_;
};

}  // namespace pensieve::api
